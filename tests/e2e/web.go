// SPDX-License-Identifier: ISC

// A program of Go's standard library, without the C library.
//
//	web serve ADDRESS:PORT DIR
//	web get URL N		eight at a time; the sum of what came
//	web refused ADDRESS:PORT
//	web late ADDRESS:PORT	a deadline against a host that says nothing
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func get(url string) string {
	r, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r.Body); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func getMany(url string, n int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	work := make(chan struct{})

	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range work {
				s := get(url)
				mu.Lock()
				count[s]++
				mu.Unlock()
			}
		}()
	}
	for i := 0; i < n; i++ {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	for s, k := range count {
		fmt.Println(k, s)
	}
}

func dial(addr string, limit time.Duration) {
	c, err := net.DialTimeout("tcp", addr, limit)
	var t net.Error
	switch {
	case err == nil:
		fmt.Println("connected", c.LocalAddr(), c.RemoteAddr())
	case errors.Is(err, syscall.ECONNREFUSED):
		fmt.Println("refused")
	case errors.As(err, &t) && t.Timeout():
		fmt.Println("timed out")
	default:
		fmt.Println(err)
	}
}

func main() {
	switch os.Args[1] {
	case "serve":
		l, err := net.Listen("tcp", os.Args[2])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("at", l.Addr())
		http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
		fmt.Println(http.Serve(l, http.FileServer(http.Dir(os.Args[3]))))
	case "get":
		n, _ := strconv.Atoi(os.Args[3])
		http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
		getMany(os.Args[2], n)
	case "refused":
		dial(os.Args[2], 10*time.Second)
	case "late":
		dial(os.Args[2], 300*time.Millisecond)
	}
}
