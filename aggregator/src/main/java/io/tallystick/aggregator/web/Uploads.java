package io.tallystick.aggregator.web;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.multipart.Attribute;
import io.netty.handler.codec.http.multipart.DefaultHttpDataFactory;
import io.netty.handler.codec.http.multipart.FileUpload;
import io.netty.handler.codec.http.multipart.HttpPostMultipartRequestDecoder;
import io.netty.handler.codec.http.multipart.InterfaceHttpData;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of a posted form with files. They stay in memory, where the body's limit holds for all of them together; nothing
 * is written to a disk, and what a file is called on somebody's machine is used for nothing.
 *
 * <p>The parts are read once the body is whole. Read as they arrive, what the reader trips over would be thrown where nobody
 * answers the request.
 */
final class Uploads {
    private static final String KEY = "tallystick.uploads";

    private record File(String field, byte[] content) {}

    private final List<File> files = new ArrayList<>();

    private Uploads() {}

    /** Reads the body, of at most so many bytes, and goes on with its fields as those of a form. */
    static void collect(RoutingContext ctx, long bytesMax) {
        Buffer body = Buffer.buffer();
        if ("100-continue".equalsIgnoreCase(ctx.request().getHeader(HttpHeaders.EXPECT))) {
            ctx.response().writeContinue();
        }
        ctx.request()
                .handler(chunk -> {
                    if (body.length() + chunk.length() <= bytesMax) {
                        body.appendBuffer(chunk);
                    } else if (!ctx.failed()) {
                        ctx.fail(Failure.of(ErrorCode.TOO_LARGE, "the body has more than " + bytesMax + " bytes"));
                    }
                })
                .endHandler(end -> {
                    if (!ctx.failed()) {
                        parse(ctx, body.getBytes());
                    }
                })
                .exceptionHandler(ctx::fail)
                .resume();
    }

    private static void parse(RoutingContext ctx, byte[] body) {
        Uploads uploads = new Uploads();
        try {
            uploads.read(
                    ctx.request().getHeader(HttpHeaders.CONTENT_TYPE),
                    body,
                    ctx.request().formAttributes());
        } catch (Failure e) {
            ctx.fail(e);
            return;
        } catch (RuntimeException | IOException e) {
            // The reader says in many ways that it cannot read something, and some are accidents of its own.
            ctx.fail(Failure.of(ErrorCode.INVALID_REQUEST, "the form is not well formed"));
            return;
        }
        ctx.put(KEY, uploads);
        ctx.next();
    }

    private void read(String contentType, byte[] body, MultiMap fields) throws IOException {
        HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/");
        head.headers().set(HttpHeaders.CONTENT_TYPE, contentType);
        HttpPostMultipartRequestDecoder parts =
                new HttpPostMultipartRequestDecoder(new DefaultHttpDataFactory(false), head);
        try {
            parts.offer(new DefaultLastHttpContent(Unpooled.wrappedBuffer(body)));
            for (InterfaceHttpData part : parts.getBodyHttpDatas()) {
                if (part instanceof FileUpload file) {
                    if (!file.isCompleted()) {
                        throw unended();
                    }
                    files.add(new File(file.getName(), file.get()));
                } else if (part instanceof Attribute field) {
                    fields.add(field.getName(), field.getValue());
                }
            }
            if (parts.currentPartialHttpData() != null) {
                throw unended();
            }
        } finally {
            parts.destroy();
        }
    }

    private static Failure unended() {
        return Failure.of(ErrorCode.INVALID_REQUEST, "the form ends in the middle of a part");
    }

    /** The files given for a field, without those that are empty: a browser sends one where nobody chose any. */
    static List<byte[]> of(RoutingContext ctx, String field) {
        Uploads uploads = ctx.get(KEY);
        return uploads == null
                ? List.of()
                : uploads.files.stream()
                        .filter(f -> f.field().equals(field) && f.content().length > 0)
                        .map(File::content)
                        .toList();
    }
}
