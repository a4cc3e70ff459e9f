#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# Erlang: gen_tcp with {active, once} and {packet, 4}, and the new socket module, 20 connections at once.
# packages: erlang-base
. "$(dirname "$0")/lib.sh"
needs erlang-base=erl

cat >web.erl <<'END'
-module(web).
-export([serve/1, get/1]).

family(A) when tuple_size(A) =:= 8 -> inet6;
family(_) -> inet.

address(S) -> {ok, A} = inet:parse_address(S), A.

serve([S]) ->
    A = address(S),
    {ok, L} = gen_tcp:listen(7000, [family(A), binary, {packet, 4},
	{active, false}, {reuseaddr, true}, {backlog, 100}, {ip, A}]),
    accept(L).

accept(L) ->
    {ok, C} = gen_tcp:accept(L),
    Pid = spawn(fun() -> receive go -> echo(C) end end),
    ok = gen_tcp:controlling_process(C, Pid),
    Pid ! go,
    accept(L).

echo(C) ->
    ok = inet:setopts(C, [{active, once}]),
    receive
	{tcp, C, Data} -> ok = gen_tcp:send(C, Data), echo(C);
	{tcp_closed, C} -> ok;
	{tcp_error, C, _} -> ok
    end.

get([S]) ->
    A = address(S),
    Big = rand:bytes(2000000),
    Me = self(),
    Pids = [spawn_link(fun() -> one(A, Big), Me ! {self(), ok} end)
	|| _ <- lists:seq(1, 20)],
    [receive {P, ok} -> ok end || P <- Pids],
    {error, econnrefused} = gen_tcp:connect(A, 7001, [family(A)]),
    direct(A, Big),
    halt(0).

one(A, Big) ->
    {ok, C} = gen_tcp:connect(A, 7000, [family(A), binary, {packet, 4},
	{active, false}, {nodelay, true}, {keepalive, true},
	{send_timeout, 20000}], 10000),
    {ok, {A, 7000}} = inet:peername(C),
    ok = gen_tcp:send(C, Big),
    {ok, Big} = gen_tcp:recv(C, 0, 20000),
    ok = gen_tcp:shutdown(C, write),
    {error, closed} = gen_tcp:recv(C, 0, 20000).

direct(A, Big) ->
    {ok, C} = socket:open(family(A), stream, tcp),
    ok = socket:connect(C, #{family => family(A), addr => A, port => 7000}),
    N = byte_size(Big),
    Pid = spawn_link(fun() -> ok = socket:send(C, [<<N:32>>, Big]) end),
    {ok, <<N:32, Big/binary>>} = socket:recv(C, N + 4, 20000),
    false = is_process_alive(Pid),
    ok = socket:close(C).
END
erlc web.erl >erlc.log 2>&1 || skip_all "$(head -n 1 erlc.log)"
export HOME=$work

start()
{
	server 7000 erl -noinput -pa "$work" -run web serve "$any"
}

work()
{
	does "20 connections $1" client timeout 60 erl -noinput -pa "$work" \
	    -run web get "$server"
}

up
both_sides erl -noinput -pa "$work" -run web get "$kernel"
finish 50
