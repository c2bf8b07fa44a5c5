package main

import (
	"bytes"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// counts are of all clients together. Bytes are those of messages, without frames and headers.
type counts struct{ bytes, messages atomic.Int64 }

// tally notes when each client has reached something for the first time, and reports once, when the last one has.
type tally struct {
	mutex  sync.Mutex
	times  map[int]time.Time
	want   int
	report func(times map[string]any)
}

func newTally(want int, report func(times map[string]any)) *tally {
	return &tally{times: map[int]time.Time{}, want: want, report: report}
}

func (t *tally) reached(client int) {
	now := time.Now()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if _, known := t.times[client]; known {
		return
	}
	t.times[client] = now
	if len(t.times) < t.want {
		return
	}
	sorted := make([]float64, 0, len(t.times))
	for _, at := range t.times {
		sorted = append(sorted, milliseconds(at))
	}
	sort.Float64s(sorted)
	t.report(map[string]any{"first": sorted[0], "median": sorted[len(sorted)/2], "last": sorted[len(sorted)-1]})
}

func milliseconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1000 }

// watch is what clients look for in what they are sent.
type watch struct{ current atomic.Pointer[watching] }

type watching struct {
	marker []byte
	seen   *tally
}

func (w *watch) arm(marker string, seen *tally) {
	w.current.Store(&watching{marker: []byte(marker), seen: seen})
}

func (w *watch) look(client int, message []byte) {
	if now := w.current.Load(); now != nil && bytes.Contains(message, now.marker) {
		now.seen.reached(client)
	}
}
