// Command conformance runs the cases that every client is held to
// (clients/conformance/README.md) and prints a line of JSON for each.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	wmsorders "repository.invalid/wms-orders/clients/go"
)

type caseFile struct {
	Fixtures map[string]struct{ Steps []any }
	Cases    []struct {
		Name, Server string
		Steps        []any
	}
}

type line struct {
	Case         string `json:"case"`
	OK           bool   `json:"ok"`
	Milliseconds int64  `json:"ms"`
	Detail       string `json:"detail"`
}

func main() {
	cases := flag.String("cases", "", "clients/conformance/cases.json")
	run := flag.String("run", "", "makes the ids of this run its own")
	flag.Parse()
	ok, err := runAll(*cases, *run, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if !ok {
		os.Exit(1)
	}
}

// runAll runs the cases whose servers are given; true when all went as written.
func runAll(path, run string, servers []string) (bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	var written caseFile
	if err := json.Unmarshal(text, &written); err != nil {
		return false, err
	}
	clients := map[string]*wmsorders.Client{}
	for _, given := range servers {
		name, address, _ := strings.Cut(given, "=")
		client, err := wmsorders.Dial(address)
		if err != nil {
			return false, err
		}
		defer client.Close()
		clients[name] = client
	}
	all := true
	for number, one := range written.Cases {
		current := &testCase{
			clients: clients, fixtures: written.Fixtures, server: one.Server, known: map[string]string{
				"id":             fmt.Sprintf("%s-%d", run, number),
				"in_an_hour":     time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
				"four_mebibytes": strings.Repeat("x", 4<<20),
			},
		}
		if current.server == "" {
			current.server = "main"
		}
		if !current.possible(one.Steps) {
			continue
		}
		began, detail := time.Now(), ""
		if err := current.run(one.Steps); err != nil {
			detail = fmt.Sprintf("%.500s", err.Error())
		}
		all = all && detail == ""
		if err := json.NewEncoder(os.Stdout).Encode(line{one.Name, detail == "", time.Since(began).Milliseconds(), detail}); err != nil {
			return false, err
		}
	}
	return all, nil
}
