package io.tallystick.aggregator.web;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.concurrent.Future;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.http.RequestScanner;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Stands before the server's decoder, which is lenient, and lets nothing through that two readers could take for different
 * requests (see {@link RequestScanner}); heads and bodies that take too long end their connection. A head goes on only
 * when it is whole, so of a refused request nothing is ever handled.
 */
final class StrictHttp extends ChannelInboundHandlerAdapter {
    /** What the decoder takes for no request, so that the answer is made where all answers to malformed requests are. */
    private static final byte[] NO_REQUEST = "NONE\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private RequestScanner scanner = scanner();
    /** The bytes of a head that is not whole. */
    private ByteBuf pending = Unpooled.EMPTY_BUFFER;

    /** Whether the decoder has the head of the request under way. */
    private boolean passed;

    private boolean refused;
    private @Nullable Future<?> deadline;
    /** Whether that is the head's. */
    private boolean forHead;

    private StrictHttp() {}

    /** Puts one before the decoder of a new connection; closes the connection if there are enough. */
    static void guard(HttpConnection connection, AtomicInteger open) {
        Channel channel = ((ConnectionBase) connection).channel();
        channel.closeFuture().addListener(closed -> open.decrementAndGet());
        if (open.incrementAndGet() > HttpLimits.CONNECTIONS_MAX) {
            channel.close();
            return;
        }
        ChannelPipeline pipeline = channel.pipeline();
        for (Map.Entry<String, ChannelHandler> handler : pipeline) {
            if (handler.getValue() instanceof HttpRequestDecoder) {
                pipeline.addBefore(handler.getKey(), "strict", new StrictHttp());
                return;
            }
        }
        throw new IllegalStateException("the server has no decoder: " + pipeline.names());
    }

    private static RequestScanner scanner() {
        int head = HttpLimits.REQUEST_LINE_BYTES_MAX + HttpLimits.HEADER_BYTES_MAX;
        // Bodies are limited by the route that takes them.
        return new RequestScanner(head, head, Long.MAX_VALUE, some -> {});
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof ByteBuf in)) {
            ctx.fireChannelRead(message);
            return;
        }
        if (refused) {
            in.release();
            return;
        }
        int before = pending.readableBytes();
        ByteBuf all = before == 0 ? in : Unpooled.wrappedBuffer(pending, in);
        pending = Unpooled.EMPTY_BUFFER;
        // What follows the bytes that were looked at before.
        ByteBuffer bytes = all.nioBuffer(all.readerIndex() + before, all.readableBytes() - before);
        int headStart = 0;
        try {
            while (bytes.hasRemaining()) {
                if (scanner.take(bytes)) {
                    scanner = scanner();
                    passed = false;
                    stopWatch();
                    headStart = before + bytes.position();
                }
            }
        } catch (Failure f) {
            refuse(ctx, all, headStart, f);
            return;
        }
        boolean inHead = scanner.head().isEmpty();
        passed = !inHead;
        if (!inHead || scanner.headBytes() > 0) {
            watch(ctx, inHead);
        }
        int safe = inHead ? headStart : all.readableBytes();
        ByteBuf rest = all.readableBytes() > safe
                ? ctx.alloc().buffer().writeBytes(all, all.readerIndex() + safe, all.readableBytes() - safe)
                : Unpooled.EMPTY_BUFFER;
        forward(ctx, all, safe);
        pending = rest;
    }

    /** Passes the first bytes on, and lets go of the buffer. */
    private static void forward(ChannelHandlerContext ctx, ByteBuf all, int length) {
        if (length == 0) {
            all.release();
            return;
        }
        ctx.fireChannelRead(all.writerIndex(all.readerIndex() + length));
    }

    private void refuse(ChannelHandlerContext ctx, ByteBuf all, int headStart, Failure failure) {
        refused = true;
        stopWatch();
        if (passed) {
            // It is being handled already; half a body is never taken for a whole one.
            all.release();
            ctx.close();
        } else if (failure.code() == ErrorCode.TOO_LARGE) {
            // The decoder's limits are narrower: it says which.
            ctx.fireChannelRead(all);
        } else {
            forward(ctx, all, headStart);
            ctx.fireChannelRead(Unpooled.wrappedBuffer(NO_REQUEST));
        }
    }

    // --- time-outs ---------------------------------------------------------------------------------------------------

    /** One deadline for a head and one for a body, from when they began, whatever trickles in meanwhile. */
    private void watch(ChannelHandlerContext ctx, boolean inHead) {
        if (deadline != null && forHead == inHead) {
            return;
        }
        stopWatch();
        forHead = inHead;
        Duration patience = inHead ? HttpLimits.HEAD_MAX : HttpLimits.BODY_MAX;
        deadline = ctx.executor().schedule(() -> ctx.close(), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void stopWatch() {
        if (deadline != null) {
            deadline.cancel(false);
            deadline = null;
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        stopWatch();
        pending.release();
        pending = Unpooled.EMPTY_BUFFER;
    }
}
