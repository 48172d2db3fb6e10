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

// callHTTP keeps one call going until the end, as HTTP/1.1 has it: as many connections as calls in flight.
func callHTTP(p *plan, random *rand.Rand, _ int, t *tally) error {
	connection, err := net.Dial("tcp", p.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(p.end.Add(patience)); err != nil {
		return err
	}
	in := bufio.NewReader(connection)
	for began := time.Now(); began.Before(p.end); began = time.Now() {
		body := p.bodies[random.Intn(len(p.bodies))]
		if _, err := connection.Write(request(p, body)); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		content, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		if answer.StatusCode/100 == 2 {
			t.good(p, began, time.Now(), content)
		} else {
			t.bad(fmt.Sprintf("%s %s", answer.Status, content))
		}
	}
	return nil
}

func request(p *plan, body []byte) []byte {
	head := "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
	return append(fmt.Appendf(nil, head, p.path, p.address, len(body)), body...)
}
