/** The console's table: sorted, virtual, walked with `j` and `k`; on a phone a list of two lines a row. State is in the URL. */
import {
  columnVisibilityFeature,
  createColumnHelper,
  createSortedRowModel,
  type RowData,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useMemo,
  useRef,
  useState,
} from "react";
import { usePageSearch } from "../route/page-search.ts";
import { useNarrow } from "../ui/use-media.ts";
import { type Column, hiddenColumns, leastWidth, nextSort, readSort } from "./column.ts";
import { TableMenu } from "./table-menu.tsx";
import { useRowKeys } from "./use-row-keys.ts";

const ROW_PX = 32;
const TWO_LINES_PX = 56;
/** Fewer rows than this are all drawn: no scrolling of their own. */
const SMALL = 40;

const features = tableFeatures({
  rowSortingFeature,
  columnVisibilityFeature,
  sortedRowModel: createSortedRowModel(),
});

interface DataTableProps<Row> {
  /** Says what the rows are, for the screen reader, the file name and the menu. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Order until a person chooses another, as in the URL. */
  defaultSort?: string;
  onOpen?: (row: Row) => void;
  selected?: string | undefined;
  /** Stands in the rows' place when there are none. */
  empty: ReactNode;
  /** The CLI command that prints the same rows. */
  command?: string;
  /** A table inside a page: it keeps its sort order to itself and has no menu. */
  inner?: boolean;
  /** Takes the height that is left on a filled page. */
  fill?: boolean;
}

export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, onOpen, selected, inner = false } = props;
  const [search, change] = usePageSearch();
  const [own, setOwn] = useState<string>();
  const narrow = useNarrow();
  const sort = (inner ? own : search.sort) ?? props.defaultSort ?? "";
  const setSort = (next: string): void =>
    inner ? setOwn(next) : change({ sort: next === props.defaultSort ? undefined : next });
  const hidden = useMemo(
    () => hiddenColumns(columns, inner ? undefined : search.hide),
    [columns, inner, search.hide],
  );
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return columns.map((column) =>
      helper.accessor((row: Row): unknown => column.value?.(row) ?? undefined, {
        id: column.id,
        header: column.header,
        enableSorting: column.value !== undefined,
        sortUndefined: "last",
        sortFn: (one, other, id) => compareValues(one.getValue(id), other.getValue(id)),
      }),
    );
  }, [columns]);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowKey,
    state: {
      sorting: readSort(sort),
      columnVisibility: Object.fromEntries(
        columns.map((column) => [column.id, !hidden.has(column.id) && !column.narrowOnly]),
      ),
    },
  });

  const byId = useMemo(() => new Map(columns.map((column) => [column.id, column])), [columns]);
  const shown = table.getVisibleLeafColumns().map((column) => byId.get(column.id)!);
  const sorted = table.getRowModel().rows;
  const scroller = useRef<HTMLDivElement>(null);
  const rowPx = narrow ? TWO_LINES_PX : ROW_PX;
  const all = inner || (sorted.length <= SMALL && !props.fill);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => sorted[index]!.id,
    overscan: 12,
    initialRect: { width: 1000, height: 800 },
  });
  const items = all
    ? sorted.map((_, index) => ({ index, start: index * rowPx }))
    : virtual.getVirtualItems();
  const keys = useRowKeys(scroller, sorted.length, (index) => virtual.scrollToIndex(index), !inner);

  const template: CSSProperties = {
    gridTemplateColumns: shown.map((column) => column.width).join(" "),
    minWidth: leastWidth(shown),
  };
  return (
    <div className={`table card${props.fill ? " table--fill" : ""}`}>
      {inner ? null : (
        <TableMenu
          {...{ label, columns, hidden, rows: sorted.map((row) => row.original), change }}
          command={props.command}
        />
      )}
      <div
        className="table__scroll"
        ref={scroller}
        role="table"
        aria-label={label}
        aria-rowcount={sorted.length + 1}
      >
        {narrow ? null : (
          <div className="table__row table__head" role="row" style={template}>
            {shown.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={setSort} />
            ))}
          </div>
        )}
        {sorted.length === 0 ? (
          props.empty
        ) : (
          <div
            className="table__rows"
            role="rowgroup"
            style={{
              height: all ? sorted.length * rowPx : virtual.getTotalSize(),
              ...(narrow ? {} : { minWidth: leastWidth(shown) }),
            }}
          >
            {items.map(({ index, start }) => {
              const row = sorted[index]!;
              const open = onOpen ? () => onOpen(row.original) : undefined;
              return (
                <div
                  key={row.id}
                  role="row"
                  data-index={index}
                  aria-rowindex={index + 2}
                  aria-selected={row.id === selected}
                  tabIndex={index === keys.focused ? 0 : -1}
                  className={`table__row${open ? " table__row--opens" : ""}`}
                  style={{
                    ...(narrow ? {} : template),
                    height: rowPx,
                    transform: `translateY(${start}px)`,
                  }}
                  onFocus={() => keys.setFocused(index)}
                  onKeyDown={(event) => openByKey(event, open)}
                  onClick={(event) => {
                    if (
                      !(event.target as Element).closest("a, button") &&
                      String(getSelection()) === ""
                    )
                      open?.();
                  }}
                >
                  {narrow ? (
                    <TwoLines columns={columns} row={row.original} />
                  ) : (
                    <Cells columns={shown} row={row.original} />
                  )}
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

function HeaderCell<Row>({
  column,
  sort,
  onSort,
}: {
  column: Column<Row>;
  sort: string;
  onSort: (next: string) => void;
}) {
  const direction =
    sort === column.id ? "ascending" : sort === `-${column.id}` ? "descending" : undefined;
  const sortable = column.value !== undefined;
  return (
    <div
      role="columnheader"
      aria-sort={direction ?? "none"}
      className={column.align === "end" ? "end" : ""}
      title={column.about}
    >
      {sortable ? (
        <button type="button" onClick={() => onSort(nextSort(sort, column.id, column.align))}>
          {column.header}
          <span aria-hidden="true" className="table__arrow">
            {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
          </span>
        </button>
      ) : (
        column.header
      )}
    </div>
  );
}

function Cells<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  return columns.map((column) => (
    <div key={column.id} role="cell" className={column.align === "end" ? "end num" : "cut"}>
      {column.cell(row)}
    </div>
  ));
}

function TwoLines<Row>({ columns, row }: { columns: readonly Column<Row>[]; row: Row }) {
  const at = (place: Column<Row>["narrow"]) => columns.filter((column) => column.narrow === place);
  return (
    <div className="two-lines" role="cell">
      <div className="two-lines__first">
        <span className="cut">
          {at("title").map((column) => (
            <span key={column.id}>{column.cell(row)}</span>
          ))}
        </span>
        {at("aside").map((column) => (
          <span key={column.id}>{column.cell(row)}</span>
        ))}
      </div>
      <div className="two-lines__second num">
        {at("line").map((column) => (
          <span key={column.id}>
            {column.align === "end" ? (
              <span className="muted">{column.header.replace(/,.*/, "")} </span>
            ) : null}
            {column.cell(row)}
          </span>
        ))}
      </div>
    </div>
  );
}

function openByKey(event: KeyboardEvent, open: (() => void) | undefined): void {
  if (event.key !== "Enter" || event.target !== event.currentTarget) return;
  open?.();
}

function compareValues(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
