#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Ruby: WEBrick and Net::HTTP with eight threads; an echo by TCPServer, copied by IO.copy_stream.
# packages: ruby ruby-webrick curl
. "$(dirname "$0")/lib.sh"
needs ruby curl

random_file big 5M
cat >serve.rb <<'END'
require 'webrick'
require 'socket'
address = ARGV[0]
Thread.new do
  Socket.tcp_server_loop(address, 8001) do |s, _|
    Thread.new do
      IO.copy_stream(s, s)
      s.close
    end
  end
end
web = WEBrick::HTTPServer.new(BindAddress: address, Port: 8000,
                              DocumentRoot: '.', AccessLog: [])
trap('TERM') { web.shutdown }
web.start
END
cat >get.rb <<'END'
require 'net/http'
require 'socket'
host = ARGV[0]
big = File.binread('big')
threads = 8.times.map do
  Thread.new do
    Net::HTTP.start(host, 8000) do |web|
      3.times { raise 'not equal' if web.get('/big').body.b != big }
    end
    Socket.tcp(host, 8001, connect_timeout: 10) do |s|
      s.setsockopt(:TCP, :NODELAY, 1)
      writer = Thread.new { s.write(big) && s.close_write }
      raise 'the echo is not equal' if s.read != big
      writer.join
    end
    begin
      TCPSocket.new(host, 8002)
      raise 'not refused'
    rescue Errno::ECONNREFUSED
    end
  end
end
threads.each(&:join)
END

start()
{
	server 8000 ruby serve.rb "$any"
}

work()
{
	does "eight threads $1" client timeout 60 ruby get.rb "$server"
	does "curl" client curl -sSf -o got "http://$server_host:8000/big"
	same "equal" got big
}

up
both_sides ruby get.rb $kernel
finish 50
