package io.tallystick.common.http;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Follows the bytes of one request as they come and tells when it is whole. What two readers could take for different
 * requests is refused: lines end in CRLF and nothing else, headers are not folded, there is one Host, a body has one length
 * or is chunked, chunks have no extensions and no trailers (RFC 9112 lets a server refuse each), and the target is a path.
 * After a {@link Failure} nothing more of the connection means anything. One thread.
 */
public final class RequestScanner {
    private static final int CHUNK_LINE_BYTES_MAX = 10;
    private static final byte DEL = 0x7f;

    private static final Pattern REQUEST_LINE = Pattern.compile("([A-Z]{1,16}) (/[!-~]*) HTTP/1\\.([01])");
    private static final Pattern NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
    private static final Pattern LENGTH = Pattern.compile("[0-9]{1,10}");
    private static final Pattern CHUNK = Pattern.compile("[0-9A-Fa-f]{1,8}");

    /**
     * The part before the body.
     *
     * @param target starts with one slash
     * @param headers by name in lower case, values in the order they came
     * @param keepAlive whether the client takes another answer on this connection
     * @param expectsContinue whether it waits for a word before it sends the body
     */
    public record Head(
            String method,
            String target,
            boolean version11,
            Map<String, List<String>> headers,
            boolean keepAlive,
            boolean expectsContinue) {}

    private enum Part {
        HEAD,
        BODY,
        CHUNK_SIZE,
        CHUNK,
        CHUNK_END,
        TRAILER,
        WHOLE
    }

    private final int headBytesMax;
    private final int headersMax;
    private final long bodyBytesMax;
    private final Consumer<ByteBuffer> body;

    private final ByteArrayOutputStream line = new ByteArrayOutputStream(128);
    private boolean lastCr;
    private Part part = Part.HEAD;
    private int headBytes;
    private @Nullable Matcher requestLine;
    private final Map<String, List<String>> headers = new LinkedHashMap<>();
    private int headerCount;
    private @Nullable Head head;
    private long bodyBytes;
    private long missing;

    /**
     * @param headBytesMax of request line and headers together
     * @param body gets the bytes of the body, without their framing, in pieces that are only good within the call
     */
    public RequestScanner(int headBytesMax, int headersMax, long bodyBytesMax, Consumer<ByteBuffer> body) {
        this.headBytesMax = headBytesMax;
        this.headersMax = headersMax;
        this.bodyBytesMax = bodyBytesMax;
        this.body = body;
    }

    /** The head, once it is whole. */
    public Optional<Head> head() {
        return Optional.ofNullable(head);
    }

    /** Bytes of the head so far. */
    public int headBytes() {
        return headBytes;
    }

    /**
     * Takes what belongs to this request and leaves the rest.
     *
     * @return whether the request is whole
     * @throws Failure {@code invalid-request} for what is no request, {@code too-large} for one beyond the limits
     */
    public boolean take(ByteBuffer in) {
        while (part != Part.WHOLE && in.hasRemaining()) {
            switch (part) {
                case HEAD -> head(in.get());
                case BODY, CHUNK -> some(in);
                case CHUNK_SIZE, CHUNK_END, TRAILER -> framing(in.get());
                case WHOLE -> throw new IllegalStateException();
            }
        }
        return part == Part.WHOLE;
    }

    // --- head --------------------------------------------------------------------------------------------------------

    private void head(byte b) {
        if (++headBytes > headBytesMax) {
            throw Failure.of(ErrorCode.TOO_LARGE, "request line and headers have at most " + headBytesMax + " bytes");
        }
        String text = line(b);
        if (text == null) {
            return;
        }
        if (requestLine == null) {
            Matcher m = REQUEST_LINE.matcher(text);
            if (!m.matches() || m.group(2).startsWith("//")) {
                throw malformed("the request line is METHOD /path HTTP/1.1");
            }
            requestLine = m;
        } else if (text.isEmpty()) {
            frame(requestLine);
        } else {
            header(text);
        }
    }

    /** The line that ends with this byte, without its end. */
    private @Nullable String line(byte b) {
        if (b == '\n' && lastCr) {
            String text = line.toString(StandardCharsets.ISO_8859_1);
            line.reset();
            lastCr = false;
            return text;
        }
        boolean control = b >= 0 && b < ' ' && b != '\r' && b != '\t' || b == DEL;
        if (lastCr || control) {
            throw malformed("lines end in CRLF and have no control characters");
        }
        lastCr = b == '\r';
        if (!lastCr) {
            line.write(b);
        }
        return null;
    }

    private void header(String text) {
        int colon = text.indexOf(':');
        String name = colon < 0 ? "" : text.substring(0, colon);
        if (!NAME.matcher(name).matches()) {
            // Covers folded lines, which start with a space, and a space before the colon.
            throw malformed("a header is Name: value, on one line");
        }
        if (++headerCount > headersMax) {
            throw Failure.of(ErrorCode.TOO_LARGE, "a request has at most " + headersMax + " headers");
        }
        headers.computeIfAbsent(name.toLowerCase(Locale.ROOT), n -> new ArrayList<>(1))
                .add(text.substring(colon + 1).strip());
    }

    private List<String> all(String name) {
        return headers.getOrDefault(name, List.of());
    }

    private void frame(Matcher start) {
        boolean version11 = start.group(3).equals("1");
        List<String> lengths = all("content-length");
        List<String> encodings = all("transfer-encoding");
        if (all("host").size() > 1 || version11 && all("host").isEmpty()) {
            throw malformed("there is one Host header");
        }
        if (lengths.size() + encodings.size() > 1) {
            throw malformed("the body's length is given more than once");
        }
        boolean close = all("connection").stream()
                .anyMatch(v -> v.toLowerCase(Locale.ROOT).contains("close"));
        boolean expects = version11 && all("expect").stream().anyMatch(v -> v.equalsIgnoreCase("100-continue"));
        head = new Head(start.group(1), start.group(2), version11, headers, version11 && !close, expects);
        if (!encodings.isEmpty()) {
            if (!version11 || !encodings.get(0).equalsIgnoreCase("chunked")) {
                throw malformed("Transfer-Encoding is chunked or absent");
            }
            part = Part.CHUNK_SIZE;
            return;
        }
        if (!lengths.isEmpty() && !LENGTH.matcher(lengths.get(0)).matches()) {
            throw malformed("Content-Length is not a number");
        }
        missing = lengths.isEmpty() ? 0 : Long.parseLong(lengths.get(0));
        checkBody(missing);
        part = missing == 0 ? Part.WHOLE : Part.BODY;
    }

    // --- body --------------------------------------------------------------------------------------------------------

    private void some(ByteBuffer in) {
        int n = (int) Math.min(missing, in.remaining());
        body.accept(in.slice(in.position(), n));
        in.position(in.position() + n);
        bodyBytes += n;
        missing -= n;
        if (missing == 0) {
            part = part == Part.BODY ? Part.WHOLE : Part.CHUNK_END;
        }
    }

    private void framing(byte b) {
        if (line.size() > CHUNK_LINE_BYTES_MAX) {
            throw malformed("a chunk starts with its size and nothing else");
        }
        String text = line(b);
        if (text == null) {
            return;
        }
        if (part == Part.CHUNK_SIZE) {
            if (!CHUNK.matcher(text).matches()) {
                throw malformed("a chunk starts with its size and nothing else");
            }
            missing = Long.parseLong(text, 16);
            checkBody(bodyBytes + missing);
            part = missing == 0 ? Part.TRAILER : Part.CHUNK;
        } else if (!text.isEmpty()) {
            throw malformed("a chunk ends with its size, and the body with the last chunk");
        } else {
            part = part == Part.CHUNK_END ? Part.CHUNK_SIZE : Part.WHOLE;
        }
    }

    private void checkBody(long bytes) {
        if (bytes > bodyBytesMax) {
            throw Failure.of(ErrorCode.TOO_LARGE, "a body has at most " + bodyBytesMax + " bytes");
        }
    }

    private static Failure malformed(String detail) {
        return Failure.of(ErrorCode.INVALID_REQUEST, "not well-formed HTTP/1.1: " + detail);
    }
}
