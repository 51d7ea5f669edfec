package io.tallystick.chaos;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Stands between agents and aggregator and does to requests what networks do: whole HTTP messages, one a connection. What
 * befalls the n-th request, and what is replayed after it, is decided by the seed and n alone.
 */
final class FaultProxy implements AutoCloseable {
    /** What may befall a request. */
    enum Fault {
        NONE,
        /** The aggregator never sees it. */
        DROP_REQUEST,
        /** The aggregator has answered; the agent never hears. */
        DROP_RESPONSE,
        /** The aggregator gets it twice, at the same time. */
        DUPLICATE,
        DELAY,
        /** The connection is reset after half of the request's body. */
        RESET_REQUEST,
        /** The connection is reset after half of the answer. */
        RESET_RESPONSE,
        /** Taken, and never answered. */
        BLACK_HOLE
    }

    /**
     * How likely each is, of 1,000; and how likely after a request an earlier batch is sent again.
     *
     * @param holeMax how long a black hole lasts before the connection is closed after all
     */
    record Plan(Map<Fault, Integer> perMille, int replayPerMille, Duration delayMax, Duration holeMax) {
        static final Plan NOTHING = new Plan(Map.of(), 0, Duration.ZERO, Duration.ZERO);

        /** 30 % of the answers lost, 50 % of the requests followed by a replay, and some of everything else. */
        static Plan storm(Duration holeMax) {
            return new Plan(
                    Map.of(
                            Fault.DROP_RESPONSE, 300,
                            Fault.DROP_REQUEST, 80,
                            Fault.DUPLICATE, 80,
                            Fault.DELAY, 80,
                            Fault.RESET_REQUEST, 60,
                            Fault.RESET_RESPONSE, 60,
                            Fault.BLACK_HOLE, 20),
                    500,
                    Duration.ofMillis(300),
                    holeMax);
        }
    }

    private static final int BODY_BYTES_MAX = 4 * 1024 * 1024;
    private static final int REMEMBERED = 256;
    private static final Duration UPSTREAM_PATIENCE = Duration.ofSeconds(30);
    private static final Duration CLIENT_PATIENCE = Duration.ofSeconds(60);

    private record Request(String path, byte[] head, byte[] body) {
        boolean isBatch() {
            return path.endsWith("/batches");
        }
    }

    private final ServerSocket server;
    private final int upstream;
    private final ExecutorService threads = Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(r, "fault-proxy");
        t.setDaemon(true);
        return t;
    });
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicLong number = new AtomicLong();
    private final Map<Fault, LongAdder> counts = new EnumMap<>(Fault.class);
    private final LongAdder replays = new LongAdder();
    private final LongAdder serverErrors = new LongAdder();
    private final List<Request> remembered = new ArrayList<>();
    private volatile Plan plan = Plan.NOTHING;
    private volatile long seed;

    /** Listens on this port and passes on to the other. */
    FaultProxy(int port, int upstream) throws IOException {
        this.upstream = upstream;
        for (Fault f : Fault.values()) {
            counts.put(f, new LongAdder());
        }
        server = new ServerSocket();
        server.setReuseAddress(true);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 512);
        threads.execute(this::accept);
    }

    /** From now on requests suffer this; the numbers that decide begin anew. */
    void play(Plan next, long newSeed) {
        seed = newSeed;
        number.set(0);
        plan = next;
    }

    /** How often each befell a request since the beginning. */
    long count(Fault fault) {
        return count(fault, counts);
    }

    private static long count(Fault fault, Map<Fault, LongAdder> counts) {
        LongAdder adder = counts.get(fault);
        return adder == null ? 0 : adder.sum();
    }

    /** Batches sent to the aggregator once more than their agents knew. */
    long replays() {
        return replays.sum();
    }

    /** Answers of the aggregator with a status of 500 or above, but 503. */
    long serverErrors() {
        return serverErrors.sum();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                threads.execute(() -> serve(client));
            } catch (IOException e) {
                if (!server.isClosed()) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        }
    }

    private void serve(Socket client) {
        sockets.add(client);
        try (client) {
            client.setTcpNoDelay(true);
            client.setSoTimeout(Math.toIntExact(CLIENT_PATIENCE.toMillis()));
            Request request = read(new BufferedInputStream(client.getInputStream()));
            Plan now = plan;
            SplittableRandom random = new SplittableRandom(seed * 31 + number.incrementAndGet());
            int die = random.nextInt(1000);
            int replay = random.nextInt(1000);
            Fault fault = Fault.NONE;
            for (Fault f : Fault.values()) {
                int share = now.perMille().getOrDefault(f, 0);
                if (die >= 0 && die < share) {
                    fault = f;
                }
                die -= share;
            }
            java.util.Objects.requireNonNull(counts.get(fault)).increment();
            suffer(fault, client, request, now, random);
            if (replay < now.replayPerMille()) {
                replay(random);
            }
            remember(request, random);
        } catch (IOException e) {
            // One of both ends went away; the client will see its connection close.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            sockets.remove(client);
        }
    }

    private void suffer(Fault fault, Socket client, Request request, Plan now, SplittableRandom random)
            throws IOException, InterruptedException {
        switch (fault) {
            case NONE -> client.getOutputStream().write(forward(request));
            case DROP_REQUEST -> {
                // Closed without a word.
            }
            case DROP_RESPONSE -> forward(request);
            case DUPLICATE -> {
                var other = threads.submit(() -> forward(request));
                byte[] answer = forward(request);
                try {
                    other.get();
                } catch (java.util.concurrent.ExecutionException e) {
                    // The copy came to nothing.
                }
                client.getOutputStream().write(answer);
            }
            case DELAY -> {
                Thread.sleep(1 + random.nextLong(now.delayMax().toMillis()));
                client.getOutputStream().write(forward(request));
            }
            case RESET_REQUEST -> {
                try (Socket to = connect()) {
                    to.getOutputStream().write(request.head());
                    to.getOutputStream().write(request.body(), 0, request.body().length / 2);
                    to.setSoLinger(true, 0);
                }
                client.setSoLinger(true, 0);
            }
            case RESET_RESPONSE -> {
                byte[] answer = forward(request);
                client.getOutputStream().write(answer, 0, answer.length / 2);
                client.setSoLinger(true, 0);
            }
            case BLACK_HOLE -> {
                client.setSoTimeout(Math.toIntExact(Math.max(1, now.holeMax().toMillis())));
                // Ends when the client gives up or the hole does.
                client.getInputStream().read();
            }
        }
    }

    private void replay(SplittableRandom random) {
        Request old;
        synchronized (remembered) {
            if (remembered.isEmpty()) {
                return;
            }
            old = remembered.get(random.nextInt(remembered.size()));
        }
        replays.increment();
        try {
            forward(old);
        } catch (IOException e) {
            // Its answer is nobody's.
        }
    }

    private void remember(Request request, SplittableRandom random) {
        if (request.isBatch()) {
            synchronized (remembered) {
                if (remembered.size() < REMEMBERED) {
                    remembered.add(request);
                } else {
                    remembered.set(random.nextInt(REMEMBERED), request);
                }
            }
        }
    }

    private static Request read(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        String first = Exchange.line(in);
        write(head, first);
        int length = 0;
        for (Map.Entry<String, String> h : Exchange.headers(in).entrySet()) {
            if (h.getKey().equals("content-length")) {
                length = Integer.parseInt(h.getValue());
            }
            if (!h.getKey().equals("connection") && !h.getKey().equals("keep-alive")) {
                write(head, h.getKey() + ": " + h.getValue());
            }
        }
        write(head, "connection: close");
        write(head, "");
        if (length > BODY_BYTES_MAX) {
            throw new IOException("a body of " + length + " bytes");
        }
        byte[] body = in.readNBytes(length);
        if (body.length < length) {
            throw new IOException("the client went away");
        }
        return new Request(first.split(" ", 3)[1], head.toByteArray(), body);
    }

    private static void write(ByteArrayOutputStream out, String line) {
        out.writeBytes((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), upstream), 2_000);
        socket.setSoTimeout(Math.toIntExact(UPSTREAM_PATIENCE.toMillis()));
        socket.setTcpNoDelay(true);
        return socket;
    }

    /** The whole answer, as bytes; whatever is not whole is an {@link IOException}. */
    private byte[] forward(Request request) throws IOException {
        try (Socket to = connect()) {
            sockets.add(to);
            to.getOutputStream().write(request.head());
            to.getOutputStream().write(request.body());
            byte[] answer = to.getInputStream().readAllBytes();
            String start = new String(answer, 0, Math.min(12, answer.length), StandardCharsets.ISO_8859_1);
            if (start.length() < 12) {
                throw new IOException("no answer");
            }
            if (start.charAt(9) == '5' && !start.endsWith("503")) {
                serverErrors.increment();
            }
            return answer;
        } finally {
            sockets.removeIf(Socket::isClosed);
        }
    }

    @Override
    public void close() {
        try {
            server.close();
            for (Socket s : sockets) {
                s.close();
            }
        } catch (IOException e) {
            // Closed it is.
        }
        threads.shutdownNow();
    }
}
