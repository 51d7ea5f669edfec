package io.tallystick.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One exchange, bounded in time and size from the first byte to the last: who answers may be hostile. */
final class Http {
    static final int ANSWER_BYTES_MAX = 4 * 1024 * 1024;
    private static final Duration CONNECT = Duration.ofSeconds(5);

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(HttpClient.Builder.NO_PROXY)
            .connectTimeout(CONNECT)
            .build();

    /** An answer, whatever its status. */
    record Answer(int status, byte[] body) {}

    Answer send(HttpRequest request, Duration within) throws IOException, InterruptedException {
        CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, info -> new Capped());
        try {
            HttpResponse<byte[]> r = answer.get(within.toMillis(), TimeUnit.MILLISECONDS);
            return new Answer(r.statusCode(), r.body());
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw new IOException("no whole answer within " + within.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(e.getCause()), e.getCause());
        } catch (InterruptedException e) {
            answer.cancel(true);
            throw e;
        }
    }

    /** Gives up on a body that grows beyond the limit. */
    private static final class Capped implements BodySubscriber<byte[]> {
        private final CompletableFuture<byte[]> body = new CompletableFuture<>();
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private Optional<Flow.Subscription> subscription = Optional.empty();

        @Override
        public CompletionStage<byte[]> getBody() {
            return body;
        }

        @Override
        public void onSubscribe(Flow.Subscription s) {
            subscription = Optional.of(s);
            s.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            for (ByteBuffer b : buffers) {
                if (bytes.size() + b.remaining() > ANSWER_BYTES_MAX) {
                    subscription.ifPresent(Flow.Subscription::cancel);
                    body.completeExceptionally(
                            new IOException("the answer is longer than " + ANSWER_BYTES_MAX + " bytes"));
                    return;
                }
                byte[] part = new byte[b.remaining()];
                b.get(part);
                bytes.writeBytes(part);
            }
        }

        @Override
        public void onError(@Nullable Throwable e) {
            body.completeExceptionally(new IOException(String.valueOf(e), e));
        }

        @Override
        public void onComplete() {
            body.complete(bytes.toByteArray());
        }
    }
}
