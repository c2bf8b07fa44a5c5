/** How objects of the Gateway API name each other. Namespaces that are left out are the object's own. */

/** The parent of a route: a Gateway unless it says otherwise, or a Service of the mesh. */
export interface ParentReference {
  /** `gateway.networking.k8s.io` where it is left out; Kubernetes' own group is empty. */
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  /** One listener of a Gateway, or one port of a Service by its name. */
  readonly sectionName?: string;
  readonly port?: number;
}

/** What a ListenerSet adds to. */
export interface ParentGatewayReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
}

/** A Service unless it says otherwise. */
export interface BackendObjectReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  /** Of the Service, not of its pods. */
  readonly port?: number;
}

export interface BackendRef extends BackendObjectReference {
  /** Share among the rule's backends; 1 where it is left out. */
  readonly weight?: number;
}

/** A Secret unless it says otherwise. */
export interface SecretObjectReference {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface ObjectReference {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface LocalObjectReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelExpression[];
}

export interface LabelExpression {
  readonly key: string;
  /** In, NotIn, Exists or DoesNotExist. */
  readonly operator: string;
  readonly values?: readonly string[];
}
