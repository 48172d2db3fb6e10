package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/wrapperspb" // a type that requests are sent as

	wmsorders "repository.invalid/wms-orders/clients/go"
	"repository.invalid/wms-orders/clients/go/ordersv1"
)

const (
	caseTime  = 60 * time.Second
	untilTime = 30 * time.Second
	lookTime  = 100 * time.Millisecond
)

type object = map[string]any

// testCase is one case, with what is known while it runs.
type testCase struct {
	clients  map[string]*wmsorders.Client
	fixtures map[string]struct{ Steps []any }
	server   string
	known    map[string]string
}

func (c *testCase) possible(steps []any) bool {
	for _, step := range steps {
		if c.clients[c.serverOf(step.(object))] == nil {
			return false
		}
	}
	return true
}

func (c *testCase) serverOf(step object) string {
	if name, ok := step["server"].(string); ok {
		return name
	}
	return c.server
}

func (c *testCase) run(steps []any) error {
	for _, raw := range steps {
		step := raw.(object)
		if name, ok := step["do"].(string); ok {
			if with, ok := step["with"].(object); ok {
				for name, value := range with {
					c.known[name] = c.filled(value).(string)
				}
			}
			if err := c.run(c.fixtures[name].Steps); err != nil {
				return err
			}
			continue
		}
		ends := time.Now()
		if step["until"] == true {
			ends = ends.Add(untilTime)
		}
		for {
			err := c.step(c.filled(step).(object))
			if err == nil {
				break
			}
			if time.Now().After(ends) {
				return fmt.Errorf("%s: %w", what(step), err)
			}
			time.Sleep(lookTime)
		}
	}
	return nil
}

// step makes one call, or the pages or the watch of one, and compares.
func (c *testCase) step(step object) error {
	ctx, cancel := context.WithTimeout(context.Background(), caseTime)
	defer cancel()
	// The deadline of the service config is to be seen, so the call has none of its own.
	var calling context.Context = context.WithoutCancel(ctx)
	if seconds, ok := step["timeout"].(float64); ok {
		timed, cancel := context.WithTimeout(calling, time.Duration(seconds*float64(time.Second)))
		defer cancel()
		calling = timed
	}
	if correlation, ok := step["correlation"].(string); ok {
		calling = metadata.AppendToOutgoingContext(calling, "x-wms-correlation-id", correlation)
	}
	answer, err := c.answer(calling, step)
	var mismatch mismatchError
	if errors.As(err, &mismatch) {
		return err
	}
	if err != nil || step["error"] != nil {
		return compareError(step, err)
	}
	expect, _ := step["expect"].(object)
	for path, expected := range expect {
		found := look(answer, path)
		if expected == "*" && found != nil && found != "" {
			continue
		}
		if text(found) != text(expected) {
			return mismatchError(fmt.Sprintf("%s is %q, not %q", path, text(found), text(expected)))
		}
	}
	save, _ := step["save"].(object)
	for name, path := range save {
		c.known[name] = text(look(answer, path.(string)))
	}
	return nil
}

func (c *testCase) answer(ctx context.Context, step object) (any, error) {
	client := c.clients[c.serverOf(step)]
	if wanted, ok := step["watch"]; ok {
		return watched(ctx, client, step, wanted)
	}
	if wanted, ok := step["pages"].(object); ok {
		return nil, paged(ctx, client, step, wanted)
	}
	return called(ctx, client, step, step["request"])
}

// called makes a call by its name; of a stream it takes the first message.
func called(ctx context.Context, client *wmsorders.Client, step object, content any) (any, error) {
	serviceName, methodName, _ := strings.Cut(step["call"].(string), ".")
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("wms.orders.v1." + serviceName))
	if err != nil {
		return nil, mismatchError(err.Error())
	}
	service := found.(protoreflect.ServiceDescriptor)
	method := service.Methods().ByName(protoreflect.Name(methodName))
	var input protoreflect.FullName
	var answer proto.Message = &emptypb.Empty{}
	if method != nil {
		input, answer = method.Input().FullName(), newMessage(method.Output().FullName())
	}
	if as, ok := step["as"].(string); ok {
		input = protoreflect.FullName(as)
	}
	request := newMessage(input)
	encoded, err := json.Marshal(content)
	if err != nil {
		return nil, mismatchError(err.Error())
	}
	if err := protojson.Unmarshal(encoded, request); err != nil {
		return nil, mismatchError(err.Error())
	}
	name := fmt.Sprintf("/%s/%s", service.FullName(), methodName)
	if method != nil && method.IsStreamingServer() {
		err = first(ctx, client, name, request, answer)
	} else {
		err = client.Connection().Invoke(ctx, name, request, answer)
	}
	if err != nil {
		return nil, err
	}
	return asJSON(answer)
}

func first(ctx context.Context, client *wmsorders.Client, name string, request, answer proto.Message) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Connection().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, name)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(answer)
}

// paged follows the page tokens to the end; everything must come once.
func paged(ctx context.Context, client *wmsorders.Client, step, wanted object) error {
	content, found, pages := object{}, map[string]int{}, 0
	for name, value := range step["request"].(object) {
		content[name] = value
	}
	total := 0
	for token := "first"; token != ""; pages++ {
		answer, err := called(ctx, client, step, content)
		if err != nil {
			return err
		}
		elements, _ := look(answer, wanted["of"].(string)).([]any)
		for _, one := range elements {
			found[text(look(one, wanted["id"].(string)))]++
			total++
		}
		token = text(look(answer, "nextPageToken"))
		content["pageToken"] = token
	}
	if text(total) != text(wanted["count"]) || len(found) != total || text(pages) != text(wanted["pages"]) {
		return mismatchError(fmt.Sprintf("%d on %d pages, %d different", total, pages, len(found)))
	}
	return nil
}

// watched gives the first events of a watch.
func watched(ctx context.Context, client *wmsorders.Client, step object, content any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, caseTime)
	defer cancel()
	encoded, err := json.Marshal(content)
	if err != nil {
		return nil, mismatchError(err.Error())
	}
	request := &ordersv1.WatchOrdersRequest{}
	if err := protojson.Unmarshal(encoded, request); err != nil {
		return nil, mismatchError(err.Error())
	}
	var events []any
	for event, err := range client.WatchOrders(ctx, request) {
		if err != nil {
			return nil, err
		}
		decoded, err := asJSON(event)
		if err != nil {
			return nil, mismatchError(err.Error())
		}
		if events = append(events, decoded); text(len(events)) == text(step["take"]) {
			break
		}
	}
	return object{"events": events}, nil
}

// mismatchError is how a case did not go as written.
type mismatchError string

func (m mismatchError) Error() string { return string(m) }

func compareError(step object, err error) error {
	expected, ok := step["error"].(object)
	if !ok {
		return mismatchError(wmsorders.Explain(err).Error())
	}
	if err == nil {
		return mismatchError(fmt.Sprintf("succeeded, instead of %v", expected))
	}
	failure := wmsorders.Explain(err)
	reason, _ := expected["reason"].(string)
	if code := codeName(failure); code != expected["code"] || failure.ReasonName != reason {
		return mismatchError(fmt.Sprintf("%s, not %s %s", failure, expected["code"], reason))
	}
	if (failure.Reason == 0) != (failure.ReasonName == "") {
		return mismatchError(failure.ReasonName + " is no value of ErrorReason")
	}
	facts, _ := expected["metadata"].(object)
	for name, value := range facts {
		if found := failure.Metadata[name]; found == "" || (value != "*" && value != found) {
			return mismatchError(fmt.Sprintf("metadata %s is %q, not %q", name, found, value))
		}
	}
	if fields, ok := expected["fields"].([]any); ok {
		var told, wanted []string
		for _, violation := range failure.Violations {
			told = append(told, violation.Field)
		}
		for _, field := range fields {
			wanted = append(wanted, field.(string))
		}
		slices.Sort(told)
		slices.Sort(wanted)
		if !slices.Equal(told, wanted) {
			return mismatchError(fmt.Sprintf("faults %v, not %v", told, wanted))
		}
	}
	return nil
}

var capital = regexp.MustCompile(`([a-z])([A-Z])`)

// codeName is the code as the contract writes it: NOT_FOUND for NotFound.
func codeName(failure *wmsorders.Failure) string {
	return strings.ToUpper(capital.ReplaceAllString(failure.Code.String(), "${1}_${2}"))
}

var name = regexp.MustCompile(`\$\{(\w+)\}`)

// filled is the same with ${names} replaced.
func (c *testCase) filled(value any) any {
	switch value := value.(type) {
	case string:
		return name.ReplaceAllStringFunc(value, func(found string) string { return c.known[found[2:len(found)-1]] })
	case []any:
		all := make([]any, len(value))
		for number, one := range value {
			all[number] = c.filled(one)
		}
		return all
	case object:
		all := object{}
		for name, one := range value {
			all[name] = c.filled(one)
		}
		return all
	}
	return value
}

// look gives what is at a path such as orders.0.orderId, orders.# for how many; nil when nothing is.
func look(value any, path string) any {
	for _, part := range strings.Split(path, ".") {
		list, isList := value.([]any)
		switch {
		case part == "#":
			value = len(list)
		case isList:
			number, err := strconv.Atoi(part)
			if err != nil || number >= len(list) {
				return nil
			}
			value = list[number]
		default:
			fields, _ := value.(object)
			value = fields[part]
		}
	}
	return value
}

func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func what(step object) string {
	if call, ok := step["call"].(string); ok {
		return call
	}
	return "watch"
}

func newMessage(name protoreflect.FullName) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(name)
	if err != nil {
		panic(err) // of the contract, or imported above
	}
	return kind.New().Interface()
}

func asJSON(message proto.Message) (any, error) {
	encoded, err := protojson.Marshal(message)
	if err != nil {
		return nil, mismatchError(err.Error())
	}
	var decoded any
	return decoded, json.Unmarshal(encoded, &decoded)
}
