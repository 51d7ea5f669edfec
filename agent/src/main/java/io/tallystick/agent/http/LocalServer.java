package io.tallystick.agent.http;

import com.sun.net.httpserver.HttpExchange;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * One thread reads and writes all connections, and hands a request on when it is whole: so a client that is slow, to send
 * or to read, costs its buffer and never a thread. Requests on a connection are answered one after the other. Where
 * connections or memory run out, those go first that have been at their request longest: a client on this machine needs
 * milliseconds.
 */
public final class LocalServer implements AutoCloseable {
    private static final int READ_BYTES = 16 * 1024;
    private static final int BACKLOG = 512;
    /** How often deadlines are looked at. */
    private static final Duration TICK = Duration.ofMillis(200);
    /** The same while there is no connection, and so no deadline: only whether it can still listen. */
    private static final Duration TICK_ALONE = Duration.ofSeconds(5);

    private static final byte[] CONTINUE =
            "HTTP/1.1 100 Continue\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    /** As HTTP has it. With its words given: those of a locale would have to be loaded for the first answer. */
    private static final DateTimeFormatter DATE = new DateTimeFormatterBuilder()
            .appendText(ChronoField.DAY_OF_WEEK, words("Mon Tue Wed Thu Fri Sat Sun"))
            .appendLiteral(", ")
            .appendValue(ChronoField.DAY_OF_MONTH, 2)
            .appendLiteral(' ')
            .appendText(ChronoField.MONTH_OF_YEAR, words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"))
            .appendLiteral(' ')
            .appendValue(ChronoField.YEAR, 4)
            .appendLiteral(' ')
            .appendValue(ChronoField.HOUR_OF_DAY, 2)
            .appendLiteral(':')
            .appendValue(ChronoField.MINUTE_OF_HOUR, 2)
            .appendLiteral(':')
            .appendValue(ChronoField.SECOND_OF_MINUTE, 2)
            .appendLiteral(" GMT")
            .toFormatter(Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private static final Logger LOG = Logger.getLogger(LocalServer.class.getName());

    /**
     * Caps of a server.
     *
     * @param connections at once
     * @param bodyBytes of one request
     * @param heldBytes of all requests and answers that are not through
     * @param head from a request's first byte to the end of its headers
     * @param body from there to its end; also for an answer to be read
     * @param idle without a byte, between requests
     */
    public record Caps(int connections, int bodyBytes, long heldBytes, Duration head, Duration body, Duration idle) {}

    /**
     * What the server hands to its user.
     *
     * @param ended called at most once, on the server's thread, when it ends without having been closed: nobody is
     *     answered any more
     */
    public record Handlers(
            Consumer<HttpExchange> serve, BiConsumer<HttpExchange, Failure> refuse, Consumer<Throwable> ended) {}

    private enum State {
        IDLE,
        HEAD,
        BODY,
        SERVING,
        WRITING,
        /** Answered and half closed; what still comes is thrown away, so that the answer is not lost to a reset. */
        LINGERING,
        CLOSED
    }

    private record Answer(Connection connection, byte[] bytes, boolean keep) {}

    private final Caps caps;
    private final Executor executor;
    private final Handlers handlers;
    private final Supplier<Instant> now;
    private final Selector selector;
    private final ServerSocketChannel listening;
    private final InetSocketAddress address;
    private final Thread thread;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
    private final Set<Connection> connections = new LinkedHashSet<>();
    private final Queue<Answer> answers = new ConcurrentLinkedQueue<>();
    private long held;
    private volatile boolean stopping;
    private volatile int open;

    private static Map<Long, String> words(String all) {
        Map<Long, String> words = new HashMap<>();
        for (String word : all.split(" ", -1)) {
            words.put(words.size() + 1L, word);
        }
        return words;
    }

    /**
     * Binds, and listens from {@link #start()} on.
     *
     * @param executor runs {@code serve}; one that rejects makes the answer a {@code refuse} with {@code unavailable}
     * @param now for the Date header
     */
    public LocalServer(
            InetSocketAddress address, Caps caps, Executor executor, Handlers handlers, Supplier<Instant> now)
            throws IOException {
        this.caps = caps;
        this.executor = executor;
        this.handlers = handlers;
        this.now = now;
        this.selector = Selector.open();
        this.listening = ServerSocketChannel.open();
        try {
            listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listening.bind(address, BACKLOG);
            listening.configureBlocking(false);
            this.address = (InetSocketAddress) listening.getLocalAddress();
        } catch (IOException | RuntimeException e) {
            listening.close();
            selector.close();
            throw e;
        }
        this.thread = new Thread(this::run, "api-io");
        thread.setDaemon(true);
    }

    public InetSocketAddress address() {
        return address;
    }

    /** Connections open by now. */
    public int open() {
        return open;
    }

    public void start() {
        thread.start();
    }

    /** Takes no new requests, gives those under way the grace, and closes everything. */
    public void close(Duration grace) {
        stopping = true;
        selector.wakeup();
        try {
            thread.join(grace.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            selector.close();
            listening.close();
            for (Connection c : Set.copyOf(connections)) {
                c.channel.close();
            }
        } catch (IOException e) {
            LOG.log(Level.FINE, "closing", e);
        }
    }

    @Override
    public void close() {
        close(Duration.ofSeconds(1));
    }

    // --- the one thread ----------------------------------------------------------------------------------------------

    private void run() {
        try {
            SelectionKey accepting = listening.register(selector, SelectionKey.OP_ACCEPT);
            long next = System.nanoTime();
            while (selector.isOpen()) {
                selector.select((connections.isEmpty() ? TICK_ALONE : TICK).toMillis());
                if (!stopping && !accepting.isValid()) {
                    throw new IllegalStateException("the listening socket was closed");
                }
                if (stopping && accepting.isValid()) {
                    listening.close();
                    Set.copyOf(connections).stream()
                            .filter(c -> c.state != State.SERVING && c.state != State.WRITING)
                            .forEach(this::drop);
                }
                if (stopping && connections.isEmpty()) {
                    return;
                }
                for (SelectionKey key : selector.selectedKeys()) {
                    ready(key);
                }
                selector.selectedKeys().clear();
                for (Answer a = answers.poll(); a != null; a = answers.poll()) {
                    guarded(a.connection(), a, LocalServer::answer);
                }
                if (System.nanoTime() - next >= 0) {
                    next = System.nanoTime() + TICK.toNanos();
                    expire(System.nanoTime());
                }
            }
        } catch (Throwable e) {
            // Whatever it was, errors included: a process that goes on without its API would look alive to supervisors.
            if (stopping) {
                LOG.log(Level.FINE, "closed", e);
            } else {
                LOG.log(Level.SEVERE, "the local API ended, the agent stops", e);
                handlers.ended().accept(e);
            }
        }
    }

    private void ready(SelectionKey key) {
        if (!key.isValid()) {
            return;
        }
        if (key.isAcceptable()) {
            accept();
        } else if (key.attachment() instanceof Connection c) {
            guarded(c, key, key.isReadable() ? LocalServer::read : (server, connection, k) -> server.write(connection));
        }
    }

    @FunctionalInterface
    private interface Step<T> {
        void run(LocalServer server, Connection connection, T what) throws IOException;
    }

    /** What goes wrong on one connection ends that one. */
    private <T> void guarded(Connection c, T what, Step<T> step) {
        try {
            step.run(this, c, what);
        } catch (IOException e) {
            drop(c);
        } catch (RuntimeException e) {
            LOG.log(Level.SEVERE, "a connection failed", e);
            drop(c);
        }
    }

    private void accept() {
        try {
            for (SocketChannel channel = listening.accept(); channel != null; channel = listening.accept()) {
                if (connections.size() >= caps.connections() && !evict()) {
                    channel.close();
                    continue;
                }
                channel.configureBlocking(false);
                channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                Connection c = new Connection(channel, channel.register(selector, SelectionKey.OP_READ));
                c.key.attach(c);
                connections.add(c);
                open = connections.size();
            }
        } catch (IOException e) {
            // Out of file descriptors, or the client is gone; whoever is slow is closed in time and gives some back.
            LOG.log(Level.WARNING, "a connection could not be taken: {0}", String.valueOf(e.getMessage()));
        }
    }

    /** Closes the connection that has been longest in its state, if there is one that nobody works for. */
    private boolean evict() {
        Optional<Connection> oldest =
                connections.stream().filter(c -> c.state != State.SERVING).min(Comparator.comparingLong(c -> c.since));
        oldest.ifPresent(this::drop);
        return oldest.isPresent();
    }

    private void read(Connection c, SelectionKey key) throws IOException {
        buffer.clear();
        int n = c.channel.read(buffer);
        if (n < 0) {
            drop(c);
            return;
        }
        buffer.flip();
        if (c.state != State.LINGERING) {
            take(c, buffer);
        }
    }

    private void take(Connection c, ByteBuffer in) throws IOException {
        if (!in.hasRemaining()) {
            return;
        }
        Optional<RequestReader.Request> whole;
        try {
            whole = c.reader.take(in);
        } catch (Failure f) {
            refuse(c, f);
            return;
        }
        if (whole.isPresent()) {
            hold(c, whole.get().body().length);
            c.rest = new byte[in.remaining()];
            in.get(c.rest);
            serve(c, whole.get());
            return;
        }
        hold(c, c.reader.held());
        if (c.state == State.IDLE) {
            c.enter(State.HEAD);
        }
        if (c.state == State.HEAD && c.reader.pastHead()) {
            c.enter(State.BODY);
            if (c.reader.takeExpectation()) {
                // Nothing was sent before on this connection that is not gone: these few bytes fit the socket's buffer.
                c.channel.write(ByteBuffer.wrap(CONTINUE));
            }
        }
        makeRoom();
    }

    /** Unfinished requests give way, those first that took longest; whether there is room now. */
    private boolean makeRoom() {
        while (held > caps.heldBytes()) {
            Optional<Connection> oldest = connections.stream()
                    .filter(c -> c.held > 0 && c.state != State.SERVING)
                    .min(Comparator.comparingLong(c -> c.since));
            if (oldest.isEmpty()) {
                return false;
            }
            drop(oldest.get());
        }
        return true;
    }

    private void hold(Connection c, long bytes) {
        held += bytes - c.held;
        c.held = bytes;
    }

    private void serve(Connection c, RequestReader.Request request) throws IOException {
        c.key.interestOps(0);
        c.enter(State.SERVING);
        Exchange exchange = exchange(c, request);
        try {
            if (!makeRoom()) {
                throw new RejectedExecutionException();
            }
            executor.execute(() -> handlers.serve().accept(exchange));
        } catch (RejectedExecutionException e) {
            handlers.refuse().accept(exchange, Failure.of(ErrorCode.UNAVAILABLE, "too many requests at once"));
            c.rest = new byte[0];
        }
    }

    /** Answers what is not a request; the connection ends with that. */
    private void refuse(Connection c, Failure failure) throws IOException {
        c.key.interestOps(0);
        c.enter(State.SERVING);
        hold(c, 0);
        c.rest = new byte[0];
        RequestReader.Request nothing = new RequestReader.Request(
                "", java.net.URI.create("/"), "HTTP/1.1", new com.sun.net.httpserver.Headers(), false, new byte[0]);
        handlers.refuse().accept(exchange(c, nothing), failure);
    }

    private Exchange exchange(Connection c, RequestReader.Request request) throws IOException {
        InetSocketAddress remote = (InetSocketAddress) c.channel.getRemoteAddress();
        return new Exchange(request, address, remote, DATE.format(now.get()), (bytes, keep) -> {
            answers.add(new Answer(c, bytes, keep));
            selector.wakeup();
        });
    }

    private void answer(Connection c, Answer a) throws IOException {
        if (c.state != State.SERVING) {
            return;
        }
        if (a.bytes().length == 0) {
            drop(c);
            return;
        }
        hold(c, a.bytes().length);
        c.out = ByteBuffer.wrap(a.bytes());
        c.keep = a.keep() && !stopping;
        c.enter(State.WRITING);
        write(c);
        makeRoom();
    }

    private void write(Connection c) throws IOException {
        ByteBuffer out = c.out;
        if (out == null) {
            return;
        }
        c.channel.write(out);
        if (out.hasRemaining()) {
            c.key.interestOps(SelectionKey.OP_WRITE);
            return;
        }
        c.out = null;
        hold(c, 0);
        if (!c.keep) {
            c.channel.shutdownOutput();
            c.enter(State.LINGERING);
            c.key.interestOps(SelectionKey.OP_READ);
            return;
        }
        c.reader = new RequestReader(caps.bodyBytes());
        c.enter(State.IDLE);
        c.key.interestOps(SelectionKey.OP_READ);
        take(c, ByteBuffer.wrap(c.rest));
    }

    private void expire(long at) {
        for (Connection c : Set.copyOf(connections)) {
            if (c.state != State.SERVING && at - c.since >= patience(c.state).toNanos()) {
                drop(c);
            }
        }
    }

    private Duration patience(State state) {
        return switch (state) {
            case HEAD -> caps.head();
            case BODY, WRITING -> caps.body();
            case IDLE, SERVING, CLOSED -> caps.idle();
            case LINGERING -> Duration.ofSeconds(1);
        };
    }

    private void drop(Connection c) {
        hold(c, 0);
        c.state = State.CLOSED;
        connections.remove(c);
        open = connections.size();
        try {
            c.channel.close();
        } catch (IOException e) {
            LOG.log(Level.FINE, "closing", e);
        }
    }

    private final class Connection {
        final SocketChannel channel;
        final SelectionKey key;
        RequestReader reader = new RequestReader(caps.bodyBytes());
        State state = State.IDLE;
        /** When it came into its state, in nanoseconds of the machine's monotonic clock. */
        long since = System.nanoTime();

        byte[] rest = new byte[0];
        boolean keep;
        long held;

        @Nullable
        ByteBuffer out;

        Connection(SocketChannel channel, SelectionKey key) {
            this.channel = channel;
            this.key = key;
        }

        void enter(State next) {
            state = next;
            since = System.nanoTime();
        }
    }
}
