package wmsorders

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"repository.invalid/wms-orders/clients/go/ordersv1"
)

// The server sends a sign of life every few seconds; after so long without any
// the stream is taken for broken.
const silence = 30 * time.Second

var errSilence = errors.New("nothing was heard for too long")

// WatchOrders gives the events that the request asks for, each once and in
// order, without an end. After a break it goes on behind the last position that
// was seen, with growing waits between attempts that bring nothing. It ends with
// an error for what another attempt would not mend, such as POSITION_NOT_KEPT,
// and with the context.
func (c *Client) WatchOrders(ctx context.Context, request *ordersv1.WatchOrdersRequest) iter.Seq2[*ordersv1.Event, error] {
	return func(yield func(*ordersv1.Event, error) bool) {
		wanted := proto.CloneOf(request)
		for failures := 0; ; {
			heard, err := c.watchOnce(ctx, wanted, yield)
			if err == nil {
				return
			}
			if ctx.Err() != nil || !resumed(err) {
				yield(nil, err)
				return
			}
			if heard {
				failures = 0
			}
			failures++
			wait := time.Duration(float64(defaultBackoff.before(failures)) * (0.8 + 0.4*rand.Float64()))
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				yield(nil, status.FromContextError(ctx.Err()).Err())
				return
			}
		}
	}
}

// watchOnce gives the events of one stream and moves the position on. The error
// is nil when the consumer has left.
func (c *Client) watchOnce(ctx context.Context, wanted *ordersv1.WatchOrdersRequest,
	yield func(*ordersv1.Event, error) bool) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	alarm := time.AfterFunc(silence, func() { cancel(errSilence) })
	defer alarm.Stop()
	stream, err := c.Orders.WatchOrders(ctx, wanted)
	if err != nil {
		return false, err
	}
	for {
		message, err := stream.Recv()
		if err != nil {
			if errors.Is(context.Cause(ctx), errSilence) {
				err = errSilence
			}
			return heard, err
		}
		alarm.Stop()
		heard = true
		switch told := message.GetMessage().(type) {
		case *ordersv1.WatchOrdersResponse_Event:
			wanted.Position = told.Event.Position
			if !yield(told.Event, nil) {
				return heard, nil
			}
		case *ordersv1.WatchOrdersResponse_Heartbeat:
			wanted.Position = proto.Int64(told.Heartbeat.GetPosition())
		}
		alarm.Reset(silence)
	}
}

// resumed says whether all is well again from the last position on: the service
// was away for a while, or this watcher was slow.
func resumed(err error) bool {
	code := status.Code(err)
	return errors.Is(err, errSilence) || code == codes.Unavailable || code == codes.ResourceExhausted
}
