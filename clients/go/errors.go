package wmsorders

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"repository.invalid/wms-orders/clients/go/ordersv1"
)

const domain = "wms.orders"

// Violation is one fault of a request: the field by its path in the contract,
// such as items[0].quantity.
type Violation struct {
	Field, Description string
}

// Failure is what the service says of a call that failed. Act on Reason, not on
// the text; error.proto says what to do about each.
type Failure struct {
	Code    codes.Code
	Message string
	// Reason is ERROR_REASON_UNSPECIFIED when the service has told none: the
	// call did not reach it, ended by the client's own deadline, or the reason
	// is newer than this client (ReasonName has it then).
	Reason     ordersv1.ErrorReason
	ReasonName string
	Metadata   map[string]string
	Violations []Violation
	// RetryAfter is when the service thinks another attempt worth while; 0 when it says nothing.
	RetryAfter time.Duration
}

func (f *Failure) Error() string {
	if f.ReasonName == "" {
		return fmt.Sprintf("%s: %s", f.Code, f.Message)
	}
	return fmt.Sprintf("%s %s: %s", f.Code, f.ReasonName, f.Message)
}

// Explain reads the error of a call, also a wrapped one; nil for nil. The error
// itself stays a gRPC status.
func Explain(err error) *Failure {
	if err == nil {
		return nil
	}
	return FromStatus(status.Convert(err))
}

// FromStatus reads a status, such as that of an element of a batch by
// [status.FromProto].
func FromStatus(told *status.Status) *Failure {
	failure := &Failure{Code: told.Code(), Message: told.Message()}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == domain {
				failure.ReasonName, failure.Metadata = detail.GetReason(), detail.GetMetadata()
				failure.Reason = ordersv1.ErrorReason(ordersv1.ErrorReason_value["ERROR_REASON_"+detail.GetReason()])
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations,
					Violation{violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			failure.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	return failure
}
