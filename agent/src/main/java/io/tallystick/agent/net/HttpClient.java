package io.tallystick.agent.net;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * One request, one answer: no redirects, no cookies, no cache, a cap on the answer and a limit on the whole exchange.
 * Used by one thread; {@link #abort} may be called from another.
 */
public final class HttpClient {
    private final Proxy proxy;
    private final @Nullable SSLSocketFactory tls;
    private final Duration connect;
    private final Duration whole;
    private volatile @Nullable HttpURLConnection current;
    private volatile boolean aborted;

    /**
     * @param tls {@code null} for the JDK's trust store
     * @param connect how long a connection may take
     * @param whole how long the exchange may take, from the first byte sent to the last received
     */
    public HttpClient(Proxy proxy, @Nullable SSLSocketFactory tls, Duration connect, Duration whole) {
        this.proxy = proxy;
        this.tls = tls;
        this.connect = connect;
        this.whole = whole;
    }

    /** Throws {@link IOException} for everything that is not a whole answer within the limits. */
    public HttpReply send(
            String method, URI uri, Map<String, String> headers, byte @Nullable [] body, int answerBytesMax)
            throws IOException {
        long deadline = System.nanoTime() + whole.toNanos();
        HttpURLConnection c = (HttpURLConnection) uri.toURL().openConnection(proxy);
        current = c;
        try {
            if (c instanceof HttpsURLConnection https && tls != null) {
                https.setSSLSocketFactory(tls);
            }
            c.setRequestMethod(method);
            c.setConnectTimeout((int) connect.toMillis());
            c.setReadTimeout((int) whole.toMillis());
            c.setInstanceFollowRedirects(false);
            c.setUseCaches(false);
            headers.forEach(c::setRequestProperty);
            if (aborted) {
                throw new IOException("stopping");
            }
            if (body != null) {
                c.setDoOutput(true);
                try (OutputStream out = c.getOutputStream()) {
                    out.write(body);
                }
            }
            int status = c.getResponseCode();
            if (status < 0) {
                throw new IOException("the answer is not HTTP");
            }
            byte[] answer = readAll(c, status, deadline, answerBytesMax);
            String type = c.getContentType();
            return new HttpReply(status, type == null ? "" : type, retryAfter(c), answer);
        } catch (IOException e) {
            c.disconnect();
            throw e;
        } finally {
            current = null;
        }
    }

    private static byte[] readAll(HttpURLConnection c, int status, long deadline, int max) throws IOException {
        InputStream in = status >= 400 ? c.getErrorStream() : c.getInputStream();
        if (in == null) {
            return new byte[0];
        }
        try (in) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] block = new byte[8192];
            int n;
            while ((n = in.read(block)) >= 0) {
                out.write(block, 0, n);
                if (out.size() > max) {
                    throw new IOException("the answer is larger than " + max + " bytes");
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new IOException("the answer took too long");
                }
            }
            return out.toByteArray();
        }
    }

    private static Optional<Long> retryAfter(HttpURLConnection c) {
        String text = c.getHeaderField("Retry-After");
        if (text == null || !text.strip().matches("[0-9]{1,9}")) {
            return Optional.empty();
        }
        return Optional.of(Long.parseLong(text.strip()));
    }

    /** Ends the exchange under way, and every later one, with an {@link IOException}. */
    public void abort() {
        aborted = true;
        HttpURLConnection c = current;
        if (c != null) {
            c.disconnect();
        }
    }
}
