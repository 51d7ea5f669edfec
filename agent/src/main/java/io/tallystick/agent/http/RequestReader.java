package io.tallystick.agent.http;

import com.sun.net.httpserver.Headers;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.http.RequestScanner;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/** Collects one request. */
final class RequestReader {
    /** Request line and headers together. */
    static final int HEAD_BYTES_MAX = 8 * 1024;

    static final int HEADERS_MAX = 64;

    /** A whole request. */
    record Request(String method, URI target, String protocol, Headers headers, boolean keepAlive, byte[] body) {}

    private final int bodyMax;
    private final RequestScanner scanner;
    private boolean expectationTold;
    private byte[] body = new byte[0];
    private int bodyBytes;

    RequestReader(int bodyMax) {
        this.bodyMax = bodyMax;
        this.scanner = new RequestScanner(HEAD_BYTES_MAX, HEADERS_MAX, bodyMax, this::body);
    }

    /** Whether the head is whole. */
    boolean pastHead() {
        return scanner.head().isPresent();
    }

    /** Bytes of memory that this request holds by now, about. */
    int held() {
        return scanner.headBytes() + body.length;
    }

    /** Whether the client waits for a word before it sends the body; once. */
    boolean takeExpectation() {
        boolean expected = !expectationTold
                && scanner.head().map(RequestScanner.Head::expectsContinue).orElse(false);
        expectationTold = true;
        return expected;
    }

    /** Takes what belongs to this request and leaves the rest; the request where it is whole. {@link Failure} if it cannot be. */
    Optional<Request> take(ByteBuffer in) {
        return scanner.take(in) ? scanner.head().map(this::whole) : Optional.empty();
    }

    private Request whole(RequestScanner.Head head) {
        Headers headers = new Headers();
        head.headers().forEach((name, values) -> values.forEach(v -> headers.add(name, v)));
        return new Request(
                head.method(),
                target(head.target()),
                head.version11() ? "HTTP/1.1" : "HTTP/1.0",
                headers,
                head.keepAlive(),
                body.length == bodyBytes ? body : Arrays.copyOf(body, bodyBytes));
    }

    private static URI target(String path) {
        try {
            URI target = new URI(path);
            if (target.getRawPath() != null && target.getRawFragment() == null) {
                return target;
            }
        } catch (URISyntaxException e) {
            // Told below.
        }
        throw Failure.of(ErrorCode.INVALID_REQUEST, "the path is not one of a URL");
    }

    private void body(ByteBuffer some) {
        int n = some.remaining();
        if (body.length < bodyBytes + n) {
            // Grown as it comes, so that an announced length alone holds no memory.
            body = Arrays.copyOf(body, Math.max(bodyBytes + n, Math.min(bodyMax, 2 * body.length)));
        }
        some.get(body, bodyBytes, n);
        bodyBytes += n;
    }
}
