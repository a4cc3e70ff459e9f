// SPDX-License-Identifier: ISC

// A program of Go's standard library, without the C library.
//
//	web serve ADDRESS:PORT DIR
//	web get URL N		eight at a time; the sum of what came
//	web refused ADDRESS:PORT
//	web late ADDRESS:PORT	a deadline against a host that says nothing
//	web ask ADDRESS:PORT N	datagrams to an echo, connected and not; good
//	web answer ADDRESS:PORT	such an echo
//	web name SERVER:PORT NAME	the addresses that a name server has
package main

import (
	"bytes"
	"context"
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

// Datagrams of many sizes there and back, by Write and by WriteTo.
func ask(addr string, n int) error {
	limit := time.Now().Add(15 * time.Second)
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	open, err := net.ListenPacket("udp", ":0")
	if err != nil {
		return err
	}
	c.SetDeadline(limit)
	open.SetDeadline(limit)
	buf := make([]byte, 70000)
	for i := 0; i < n; i++ {
		text := bytes.Repeat([]byte{byte(i)}, i*1000+1)
		if _, err = c.Write(text); err != nil {
			return err
		}
		k, err := c.Read(buf)
		if err != nil || !bytes.Equal(buf[:k], text) {
			return fmt.Errorf("connected, %d: %d %v", len(text), k, err)
		}
		if _, err = open.WriteTo(text, c.RemoteAddr()); err != nil {
			return err
		}
		k, from, err := open.ReadFrom(buf)
		if err != nil || !bytes.Equal(buf[:k], text) ||
			from.String() != c.RemoteAddr().String() {
			return fmt.Errorf("open, %d: %d %v %v", len(text), k, from, err)
		}
	}
	return nil
}

func answer(addr string) error {
	c, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	fmt.Println("at", c.LocalAddr())
	buf := make([]byte, 70000)
	for {
		k, from, err := c.ReadFrom(buf)
		if err != nil {
			return err
		}
		c.WriteTo(buf[:k], from)
	}
}

func name(server, host string) {
	r := net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server)
		}}
	addrs, err := r.LookupHost(context.Background(), host)
	fmt.Println(addrs, err)
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
	case "ask":
		n, _ := strconv.Atoi(os.Args[3])
		if err := ask(os.Args[2], n); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("good")
	case "answer":
		fmt.Println(answer(os.Args[2]))
	case "name":
		name(os.Args[2], os.Args[3])
	case "refused":
		dial(os.Args[2], 10*time.Second)
	case "late":
		dial(os.Args[2], 300*time.Millisecond)
	}
}
