// Command load calls a server as fast as it responds, and prints the results as JSON.
//
// Like h2load it uses raw HTTP/2 frames, one goroutine per connection and a few microseconds per call. Unlike h2load
// it checks the grpc-status of every response, sends a different body with each call, and counts every call.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// plan is the requested load.
type plan struct {
	address, path string
	bodies        [][]byte
	connections   int
	inFlight      int
	begin         time.Time // of the measured time
	end           time.Time // no call starts after it
}

// counters are the results of one connection.
type counters struct {
	total     int // successful calls, including those of the warm-up
	failed    int
	ended     int             // successful calls that ended in the measured time
	latencies []time.Duration // latencies of calls in flight during the measured time
	firstBody []byte
	complaint string
}

func (t *counters) recordSuccess(p *plan, startedAt, ended time.Time, body []byte) {
	t.total++
	if t.firstBody == nil {
		t.firstBody = slices.Clone(body)
	}
	if ended.After(p.begin) && !ended.After(p.end) {
		t.ended++
	}
	if ended.After(p.begin) {
		t.latencies = append(t.latencies, ended.Sub(startedAt))
	}
}

func (t *counters) recordFailure(complaint string) {
	t.failed++
	if t.complaint == "" {
		t.complaint = complaint
	}
}

func main() {
	// One thread is enough; more would use cores that the server needs.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	p := &plan{}
	protocol := flag.String("protocol", "grpc", "grpc or http")
	bodies := flag.String("bodies", "", "file of request bodies, each after its length in four bytes")
	warm := flag.Duration("warm", 300*time.Millisecond, "duration of the warm-up")
	measure := flag.Duration("measure", 2*time.Second, "measured duration")
	flag.StringVar(&p.address, "address", "", "host:port")
	flag.StringVar(&p.path, "path", "", "path of the call")
	flag.IntVar(&p.connections, "connections", 1, "connections")
	flag.IntVar(&p.inFlight, "in-flight", 1, "calls in flight, over all connections")
	flag.Parse()
	p.bodies = read(*bodies)
	call := map[string]func(*plan, *rand.Rand, int, *counters) error{"grpc": callGRPC, "http": callHTTP}[*protocol]
	p.begin = time.Now().Add(*warm)
	p.end = p.begin.Add(*measure)
	printReport(p, *measure, run(p, call))
}

func run(p *plan, call func(*plan, *rand.Rand, int, *counters) error) []counters {
	results := make([]counters, p.connections)
	var group sync.WaitGroup
	for number := range results {
		streams := p.inFlight / p.connections
		if number < p.inFlight%p.connections {
			streams++
		}
		group.Go(func() {
			random := rand.New(rand.NewSource(int64(number) + p.begin.UnixNano()))
			if err := call(p, random, streams, &results[number]); err != nil {
				results[number].recordFailure(err.Error())
			}
		})
	}
	group.Wait()
	return results
}

func printReport(p *plan, measure time.Duration, results []counters) {
	sum := counters{}
	for _, result := range results {
		sum.total += result.total
		sum.failed += result.failed
		sum.ended += result.ended
		sum.latencies = append(sum.latencies, result.latencies...)
		if sum.firstBody == nil {
			sum.firstBody = result.firstBody
		}
		if sum.complaint == "" {
			sum.complaint = result.complaint
		}
	}
	slices.Sort(sum.latencies)
	report := map[string]any{
		"total":     sum.total,
		"failed":    sum.failed,
		"complaint": sum.complaint,
		"rate":      float64(sum.ended) / measure.Seconds(),
		"p50_ms":    percentile(sum.latencies, 0.50),
		"p99_ms":    percentile(sum.latencies, 0.99),
		"answer":    base64.StdEncoding.EncodeToString(sum.firstBody),
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		panic(err)
	}
}

func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]) / float64(time.Millisecond)
}

// read returns the bodies of a file.
func read(file string) [][]byte {
	content, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var bodies [][]byte
	for len(content) >= 4 {
		size := 4 + binary.BigEndian.Uint32(content)
		bodies = append(bodies, content[4:size])
		content = content[size:]
	}
	return bodies
}
