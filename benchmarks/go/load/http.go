package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"time"
)

// callHTTP keeps one call in flight until the end; HTTP/1.1 needs as many connections as calls in flight.
func callHTTP(p *plan, random *rand.Rand, _ int, t *counters) error {
	connection, err := net.Dial("tcp", p.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(p.end.Add(readTimeout)); err != nil {
		return err
	}
	in := bufio.NewReader(connection)
	for startedAt := time.Now(); startedAt.Before(p.end); startedAt = time.Now() {
		body := p.bodies[random.Intn(len(p.bodies))]
		if _, err := connection.Write(request(p, body)); err != nil {
			return err
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		content, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		if response.StatusCode/100 == 2 {
			t.recordSuccess(p, startedAt, time.Now(), content)
		} else {
			t.recordFailure(fmt.Sprintf("%s %s", response.Status, content))
		}
	}
	return nil
}

func request(p *plan, body []byte) []byte {
	head := "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	return append(fmt.Appendf(nil, head, p.path, p.address, len(body)), body...)
}
