// SPDX-License-Identifier: ISC
// Web serve ADDRESS FILE: FILE by HTTP on port 8000, and what comes on port
// 8001 back to who sent it, by one selector.
// Web get HOST FILE: asks for FILE by HttpClient, URLConnection and an
// asynchronous channel, and sends it through the selector; all must be equal.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;

class Web {
	static void serve(String address, byte[] file) throws Exception {
		var web = HttpServer.create(
		    new InetSocketAddress(address, 8000), 100);
		web.createContext("/", x -> {
			x.sendResponseHeaders(200, file.length);
			try (var out = x.getResponseBody()) {
				out.write(file);
			}
		});
		web.setExecutor(Executors.newFixedThreadPool(8));
		var selector = Selector.open();
		var listener = ServerSocketChannel.open();
		listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
		listener.bind(new InetSocketAddress(address, 8001));
		listener.configureBlocking(false);
		listener.register(selector, SelectionKey.OP_ACCEPT);
		web.start();
		for (;;) {
			selector.select();
			var ready = selector.selectedKeys().iterator();
			while (ready.hasNext()) {
				step(selector, ready.next());
				ready.remove();
			}
		}
	}

	static void step(Selector selector, SelectionKey key) throws Exception {
		if (key.isAcceptable()) {
			var c = ((ServerSocketChannel)key.channel()).accept();
			if (c == null)
				return;
			c.configureBlocking(false);
			c.setOption(StandardSocketOptions.TCP_NODELAY, true);
			c.register(selector, SelectionKey.OP_READ,
			    ByteBuffer.allocateDirect(65536).flip());
			return;
		}
		var c = (SocketChannel)key.channel();
		var bytes = (ByteBuffer)key.attachment();
		try {
			if (!bytes.hasRemaining()) {
				int n = c.read(bytes.clear());
				bytes.flip();
				if (n < 0) {
					c.shutdownOutput();
					c.close();
					return;
				}
			}
			c.write(bytes);
			key.interestOps(bytes.hasRemaining() ?
			    SelectionKey.OP_WRITE : SelectionKey.OP_READ);
		} catch (java.io.IOException e) {
			c.close();
		}
	}

	static void same(String how, byte[] got, byte[] want) {
		if (!Arrays.equals(got, want))
			throw new IllegalStateException(how + ": not equal");
	}

	static void http(URI uri, byte[] file) throws Exception {
		var client = HttpClient.newHttpClient();
		var all = new ArrayList<CompletableFuture<byte[]>>();
		for (int i = 0; i < 30; i++)
			all.add(client.sendAsync(
			    HttpRequest.newBuilder(uri).build(),
			    BodyHandlers.ofByteArray()).thenApply(
			    r -> r.body()));
		for (var one : all)
			same("HttpClient", one.get(), file);
		try (var in = uri.toURL().openStream()) {
			same("URLConnection", in.readAllBytes(), file);
		}
	}

	static void async(String host, byte[] file) throws Exception {
		var c = AsynchronousSocketChannel.open();
		c.connect(new InetSocketAddress(host, 8000)).get();
		c.write(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n".getBytes(
		    StandardCharsets.US_ASCII))).get();
		var all = ByteBuffer.allocate(file.length + 4096);
		while (c.read(all).get() >= 0)
			;
		c.close();
		same("channel", Arrays.copyOfRange(all.array(),
		    all.position() - file.length, all.position()), file);
	}

	static void echo(String host, byte[] file) throws Exception {
		try (var s = new Socket()) {
			s.setSoTimeout(20000);
			s.setTrafficClass(0x10);
			s.setKeepAlive(true);
			s.setOption(StandardSocketOptions.SO_LINGER, 5);
			s.setOption(jdk.net.ExtendedSocketOptions.TCP_KEEPIDLE,
			    60);
			s.connect(new InetSocketAddress(host, 8001), 5000);
			var writer = new Thread(() -> {
				try {
					s.getOutputStream().write(file);
					s.shutdownOutput();
				} catch (java.io.IOException e) {
					throw new RuntimeException(e);
				}
			});
			writer.start();
			same("echo", s.getInputStream().readAllBytes(), file);
			writer.join();
		}
	}

	// A thread that waits in read() is woken by another's close().
	static void closed(String host) throws Exception {
		var s = new Socket(host, 8001);
		var told = new CompletableFuture<Boolean>();
		var reader = new Thread(() -> {
			try {
				s.getInputStream().read();
				told.complete(false);
			} catch (java.net.SocketException e) {
				told.complete(true);
			} catch (java.io.IOException e) {
				told.complete(false);
			}
		});
		reader.start();
		while (reader.getState() != Thread.State.RUNNABLE)
			Thread.onSpinWait();
		s.close();
		if (!told.get())
			throw new IllegalStateException("closed: not told");
		try {
			new Socket(host, 8002).close();
			throw new IllegalStateException("8002: not refused");
		} catch (java.net.ConnectException e) {
			return;
		}
	}

	public static void main(String[] arg) throws Exception {
		var file = Files.readAllBytes(Path.of(arg[2]));
		var host = arg[1];
		if (arg[0].equals("serve")) {
			serve(host, file);
			return;
		}
		var in = host.contains(":") ? "[" + host + "]" : host;
		http(URI.create("http://" + in + ":8000/"), file);
		async(host, file);
		for (int i = 0; i < 5; i++)
			echo(host, file);
		closed(host);
	}
}
