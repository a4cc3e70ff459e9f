#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# nginx under the shim (a master, two workers that run as another user),
# clients with the kernel's TCP; then the other way round.
families="4 6"
. "$(dirname "$0")/lib.sh"
need nginx curl wget

# conf PORT PROXIED
conf()
{
	nginx_conf "$1" "
		sendfile on;
		server { listen $any_host:$1; root $work/www; }
		server {
			listen $any_host:$(($1 + 1));
			location / { proxy_pass http://$2; }
		}"
}

mkdir "$work/www"
random_file "$work/www/big" 200M
random_file "$work/www/small" 4000
up
conf 8080 $kernel_host:8180 >"$work/tcpd.conf"
conf 8180 $tcpd_host:8080 >"$work/kernel.conf"
serves run 8080 nginx-tcpd nginx -e stderr -p "$work" -c "$work/tcpd.conf"
serves peer 8180 nginx-kernel nginx -e stderr -p "$work" -c "$work/kernel.conf"

cd "$work" || exit 1
check "nginx in tcpd serves 200 MiB to the kernel's curl" \
    peer curl -sSf -o got http://$tcpd_host:8080/big
check "equal" cmp www/big got
check "and to wget" peer wget -q -O wgot http://$tcpd_host:8080/big
check "equal" cmp www/big wgot
check "curl in tcpd from nginx in the kernel" \
    run curl -sSf -o got2 http://$kernel_host:8180/big
check "equal" cmp www/big got2
check "through nginx in tcpd as a proxy for the kernel's" \
    peer curl -sSf -o got3 http://$tcpd_host:8081/big
check "equal" cmp www/big got3
check "through nginx in the kernel as a proxy for tcpd's" \
    run curl -sSf -o got4 http://$kernel_host:8181/big
check "equal" cmp www/big got4
check "200 small requests, 50 at once" \
    peer curl -sSf -Z --parallel-max 50 \
    "http://$tcpd_host:8080/small?[1-200]" -o 'small-#1'
same=0
for i in $(seq 200); do
	cmp -s www/small "small-$i" && same=$((same + 1))
done
equal "all equal" "$same" 200

check "nginx reloads (new workers, the same listener)" \
    kill -HUP "$(cat "$work/nginx.8080.pid")"
check "and still serves" wait_for 10 \
    peer curl -sSf -o /dev/null http://$tcpd_host:8080/small
check "nginx quits" kill -QUIT "$(cat "$work/nginx.8080.pid")"
check "and its listener is gone" wait_for 10 eval "! tcpd_listens 8080"
peer curl -sS http://$tcpd_host:8080/ >refused 2>&1
equal "then connections are refused" $? 7
finish 50
