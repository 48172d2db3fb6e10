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
	window      = 1 << 30
	readTimeout = 20 * time.Second // after the end, for the last responses
)

// stream is a call in flight.
type stream struct {
	startedAt time.Time
	status    string
	message   string
	body      []byte
}

// wire is one connection; a single goroutine reads and writes it.
type wire struct {
	plan     *plan
	random   *rand.Rand
	counters *counters
	framer   *http2.Framer
	out      *bufio.Writer
	block    bytes.Buffer
	encoder  *hpack.Encoder
	decoder  *hpack.Decoder
	streams  map[uint32]*stream
	free     []*stream
	current  *stream // the stream whose headers are read
	next     uint32
	room     int64 // bytes that the server's flow control window allows on this connection
	waiting  int   // calls that wait for room in the window
	unread   uint32
}

// callGRPC keeps count calls in flight on one connection until the end.
func callGRPC(p *plan, random *rand.Rand, count int, t *counters) error {
	connection, err := net.Dial("tcp", p.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetReadDeadline(p.end.Add(readTimeout)); err != nil {
		return err
	}
	in := bufio.NewReaderSize(connection, 64<<10)
	w := &wire{plan: p, random: random, counters: t, streams: map[uint32]*stream{}, next: 1, room: 65535}
	w.out = bufio.NewWriterSize(connection, 64<<10)
	w.framer = http2.NewFramer(w.out, in)
	w.framer.SetReuseFrames()
	w.encoder = hpack.NewEncoder(&w.block)
	w.decoder = hpack.NewDecoder(4096, w.header)
	if err := w.sendPreface(); err != nil {
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
			return fmt.Errorf("%d calls have no response: %w", len(w.streams), err)
		}
		if err := w.handle(frame); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) sendPreface() error {
	if _, err := w.out.WriteString(http2.ClientPreface); err != nil {
		return err
	}
	settings := http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}
	if err := w.framer.WriteSettings(settings); err != nil {
		return err
	}
	return w.framer.WriteWindowUpdate(0, window)
}

// call starts the waiting calls, as far as the window and the time allow.
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
		if err := w.start(now, body); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) start(now time.Time, body []byte) error {
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
	w.streams[id] = w.newStream(now)
	return w.framer.WriteData(id, true, message)
}

func (w *wire) newStream(now time.Time) *stream {
	if last := len(w.free) - 1; last >= 0 {
		s := w.free[last]
		w.free = w.free[:last]
		*s = stream{startedAt: now, body: s.body[:0]}
		return s
	}
	return &stream{startedAt: now}
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
		return fmt.Errorf("the server closes the connection: %v %s", frame.ErrCode, frame.DebugData())
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
	if s := w.streams[frame.StreamID]; s != nil {
		s.body = append(s.body, frame.Data()...)
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
		return w.finish(frame.StreamID, "the response has no status")
	}
	return nil
}

func (w *wire) finish(id uint32, failure string) error {
	s := w.streams[id]
	if s == nil {
		return nil
	}
	delete(w.streams, id)
	switch {
	case failure != "":
		w.counters.recordFailure(failure)
	case s.status != "0" || len(s.body) < 5:
		w.counters.recordFailure(fmt.Sprintf("grpc-status %s %s", s.status, s.message))
	default:
		w.counters.recordSuccess(w.plan, s.startedAt, time.Now(), s.body[5:])
	}
	w.free = append(w.free, s)
	w.waiting++
	return w.call()
}
