// Command load calls a server as fast as it answers, from outside of it, and tells how that went as JSON.
//
// It is what h2load is (raw HTTP/2 frames, one goroutine a connection, a few microseconds a call), with what h2load
// lacks here: every answer's grpc-status is looked at, each call takes its own body, and every call is accounted for.
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

// plan is what was asked for.
type plan struct {
	address, path string
	bodies        [][]byte
	connections   int
	inFlight      int
	begin         time.Time // of what is measured
	end           time.Time // no call begins after
}

// tally is what one connection has seen.
type tally struct {
	total     int // calls that were answered with success, those of the warming up included
	failed    int
	ended     int             // of these, those that ended while it was measured
	taken     []time.Duration // by those that were under way while it was measured, whenever they ended
	firstGood []byte
	complaint string
}

func (t *tally) good(p *plan, began, ended time.Time, body []byte) {
	t.total++
	if t.firstGood == nil {
		t.firstGood = slices.Clone(body)
	}
	if ended.After(p.begin) && !ended.After(p.end) {
		t.ended++
	}
	if ended.After(p.begin) {
		t.taken = append(t.taken, ended.Sub(began))
	}
}

func (t *tally) bad(complaint string) {
	t.failed++
	if t.complaint == "" {
		t.complaint = complaint
	}
}

func main() {
	// One thread is enough, and two would look for work on cores that the server needs.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(400)
	p := &plan{}
	protocol := flag.String("protocol", "grpc", "grpc or http")
	bodies := flag.String("bodies", "", "file of bodies, each after its length in four bytes")
	warm := flag.Duration("warm", 300*time.Millisecond, "time before what is measured")
	measure := flag.Duration("measure", 2*time.Second, "time that is measured")
	flag.StringVar(&p.address, "address", "", "host:port")
	flag.StringVar(&p.path, "path", "", "what is called")
	flag.IntVar(&p.connections, "connections", 1, "connections")
	flag.IntVar(&p.inFlight, "in-flight", 1, "calls in flight, over all connections")
	flag.Parse()
	p.bodies = read(*bodies)
	call := map[string]func(*plan, *rand.Rand, int, *tally) error{"grpc": callGRPC, "http": callHTTP}[*protocol]
	p.begin = time.Now().Add(*warm)
	p.end = p.begin.Add(*measure)
	tell(p, *measure, run(p, call))
}

func run(p *plan, call func(*plan, *rand.Rand, int, *tally) error) []tally {
	tallies := make([]tally, p.connections)
	var all sync.WaitGroup
	for number := range tallies {
		streams := p.inFlight / p.connections
		if number < p.inFlight%p.connections {
			streams++
		}
		all.Go(func() {
			random := rand.New(rand.NewSource(int64(number) + p.begin.UnixNano()))
			if err := call(p, random, streams, &tallies[number]); err != nil {
				tallies[number].bad(err.Error())
			}
		})
	}
	all.Wait()
	return tallies
}

func tell(p *plan, measure time.Duration, tallies []tally) {
	sum := tally{}
	for _, one := range tallies {
		sum.total += one.total
		sum.failed += one.failed
		sum.ended += one.ended
		sum.taken = append(sum.taken, one.taken...)
		if sum.firstGood == nil {
			sum.firstGood = one.firstGood
		}
		if sum.complaint == "" {
			sum.complaint = one.complaint
		}
	}
	slices.Sort(sum.taken)
	answer := map[string]any{
		"total":     sum.total,
		"failed":    sum.failed,
		"complaint": sum.complaint,
		"rate":      float64(sum.ended) / measure.Seconds(),
		"p50_ms":    percentile(sum.taken, 0.50),
		"p99_ms":    percentile(sum.taken, 0.99),
		"answer":    base64.StdEncoding.EncodeToString(sum.firstGood),
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func percentile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]) / float64(time.Millisecond)
}

// read gives the bodies of a file.
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
