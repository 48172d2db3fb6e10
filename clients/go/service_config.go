package wmsorders

import (
	_ "embed"
	"encoding/json"
	"math"
	"time"
)

// ServiceConfig says what is tried again, after how long, and which deadline a
// call has when its context has none: gRPC's service config, from the contract.
//
//go:embed ordersv1/service_config.json
var ServiceConfig string

type backoff struct {
	initial, longest time.Duration
	multiplier       float64
}

// before is the wait before another attempt; the first to wait is number 1.
func (b backoff) before(attempt int) time.Duration {
	wait := float64(b.initial) * math.Pow(b.multiplier, float64(attempt-1))
	return time.Duration(math.Min(wait, float64(b.longest)))
}

// The waits of the calls that are tried again.
var defaultBackoff = func() backoff {
	var config struct {
		MethodConfig []struct {
			RetryPolicy struct {
				InitialBackoff, MaxBackoff string
				BackoffMultiplier          float64
			}
		}
	}
	if err := json.Unmarshal([]byte(ServiceConfig), &config); err != nil {
		panic(err) // part of the program
	}
	policy := config.MethodConfig[0].RetryPolicy
	initial, err := time.ParseDuration(policy.InitialBackoff)
	if err != nil {
		panic(err)
	}
	longest, err := time.ParseDuration(policy.MaxBackoff)
	if err != nil {
		panic(err)
	}
	return backoff{initial, longest, policy.BackoffMultiplier}
}()
