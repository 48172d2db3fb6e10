package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	window   = 1 << 30
	patience = 20 * time.Second // after the end, for the last answers
)

// stream is a call under way.
type stream struct {
	began   time.Time
	status  string
	message string
	body    []byte
}

// wire is one connection; the goroutine that reads it also writes it.
type wire struct {
	plan    *plan
	random  *rand.Rand
	tally   *tally
	framer  *http2.Framer
	out     *bufio.Writer
	block   bytes.Buffer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
	streams map[uint32]*stream
	free    []*stream
	current *stream // whose headers are read
	next    uint32
	room    int64 // bytes that the other side takes on this connection
	waiting int   // calls that wait for room
	unread  uint32
}

// callGRPC keeps so many calls going on one connection until the end.
func callGRPC(p *plan, random *rand.Rand, count int, t *tally) error {
	connection, err := net.Dial("tcp", p.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetReadDeadline(p.end.Add(patience)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(connection, 64<<10)
	w := &wire{plan: p, random: random, tally: t, streams: map[uint32]*stream{}, next: 1, room: 65535}
	w.out = bufio.NewWriterSize(connection, 64<<10)
	w.framer = http2.NewFramer(w.out, in)
	w.framer.SetReuseFrames()
	w.encoder = hpack.NewEncoder(&w.block)
	w.decoder = hpack.NewDecoder(4096, w.header)
	if err := w.greet(); err != nil {
		return err
	}
	w.waiting = count
	if err := w.call(); err != nil {
		return err
	}
	for len(w.streams) > 0 || w.waiting > 0 {
		if in.Buffered() == 0 {
			if err := w.out.Flush(); err != nil {
				return err
			}
		}
		frame, err := w.framer.ReadFrame()
		if err != nil {
			return fmt.Errorf("%d calls were left without an answer: %w", len(w.streams), err)
		}
		if err := w.handle(frame); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) greet() error {
	if _, err := w.out.WriteString(http2.ClientPreface); err != nil {
		return err
	}
	settings := http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}
	if err := w.framer.WriteSettings(settings); err != nil {
		return err
	}
	return w.framer.WriteWindowUpdate(0, window)
}

// call begins those calls that wait, as far as there is room and time.
func (w *wire) call() error {
	for w.waiting > 0 {
		now := time.Now()
		if now.After(w.plan.end) {
			w.waiting = 0
			return nil
		}
		body := w.plan.bodies[w.random.Intn(len(w.plan.bodies))]
		if int64(len(body)+5) > w.room {
			return nil
		}
		w.waiting--
		if err := w.begin(now, body); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) begin(now time.Time, body []byte) error {
	id := w.next
	w.next += 2
	w.block.Reset()
	for _, field := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: w.plan.path},
		{Name: ":authority", Value: w.plan.address},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	} {
		if err := w.encoder.WriteField(field); err != nil {
			return err
		}
	}
	headers := http2.HeadersFrameParam{StreamID: id, BlockFragment: w.block.Bytes(), EndHeaders: true}
	if err := w.framer.WriteHeaders(headers); err != nil {
		return err
	}
	message := make([]byte, 5, 5+len(body))
	binary.BigEndian.PutUint32(message[1:], uint32(len(body)))
	message = append(message, body...)
	w.room -= int64(len(message))
	w.streams[id] = w.fresh(now)
	return w.framer.WriteData(id, true, message)
}

func (w *wire) fresh(now time.Time) *stream {
	if last := len(w.free) - 1; last >= 0 {
		one := w.free[last]
		w.free = w.free[:last]
		*one = stream{began: now, body: one.body[:0]}
		return one
	}
	return &stream{began: now}
}

func (w *wire) handle(frame http2.Frame) error {
	switch frame := frame.(type) {
	case *http2.HeadersFrame:
		return w.headers(frame)
	case *http2.DataFrame:
		return w.data(frame)
	case *http2.SettingsFrame:
		if !frame.IsAck() {
			return w.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !frame.IsAck() {
			return w.framer.WritePing(true, frame.Data)
		}
	case *http2.WindowUpdateFrame:
		if frame.StreamID == 0 {
			w.room += int64(frame.Increment)
			return w.call()
		}
	case *http2.RSTStreamFrame:
		return w.finish(frame.StreamID, fmt.Sprintf("the stream was reset: %v", frame.ErrCode))
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server goes away: %v %s", frame.ErrCode, frame.DebugData())
	}
	return nil
}

func (w *wire) headers(frame *http2.HeadersFrame) error {
	w.current = w.streams[frame.StreamID]
	if w.current == nil {
		w.current = &stream{}
	}
	if _, err := w.decoder.Write(frame.HeaderBlockFragment()); err != nil {
		return err
	}
	if err := w.decoder.Close(); err != nil {
		return err
	}
	if frame.StreamEnded() {
		return w.finish(frame.StreamID, "")
	}
	return nil
}

func (w *wire) header(field hpack.HeaderField) {
	switch field.Name {
	case "grpc-status":
		w.current.status = field.Value
	case "grpc-message":
		w.current.message = field.Value
	}
}

func (w *wire) data(frame *http2.DataFrame) error {
	if one := w.streams[frame.StreamID]; one != nil {
		one.body = append(one.body, frame.Data()...)
	}
	w.unread += frame.Length
	if w.unread > window/2 {
		size := w.unread
		w.unread = 0
		if err := w.framer.WriteWindowUpdate(0, size); err != nil {
			return err
		}
	}
	if frame.StreamEnded() {
		return w.finish(frame.StreamID, "the answer has no status")
	}
	return nil
}

func (w *wire) finish(id uint32, fault string) error {
	one := w.streams[id]
	if one == nil {
		return nil
	}
	delete(w.streams, id)
	switch {
	case fault != "":
		w.tally.bad(fault)
	case one.status != "0" || len(one.body) < 5:
		w.tally.bad(fmt.Sprintf("grpc-status %s %s", one.status, one.message))
	default:
		w.tally.good(w.plan, one.began, time.Now(), one.body[5:])
	}
	w.free = append(w.free, one)
	w.waiting++
	return w.call()
}
