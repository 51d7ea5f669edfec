package io.tallystick.aggregator.web;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerFileUpload;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;

/**
 * The files of a posted form. They stay in memory, where the body's limit holds for all of them together; nothing is written
 * to a disk, and what a file is called on somebody's machine is used for nothing.
 */
final class Uploads {
    private static final String KEY = "tallystick.uploads";

    private static final class File {
        private final String field;
        private final Buffer content = Buffer.buffer();
        private boolean ended;

        File(String field) {
            this.field = field;
        }
    }

    private final List<File> files = new ArrayList<>();

    private Uploads() {}

    /** Call it once the body handler is in place, which drops files otherwise. */
    static void collect(RoutingContext ctx) {
        Uploads uploads = new Uploads();
        ctx.put(KEY, uploads);
        ctx.request().uploadHandler(uploads::begin);
    }

    private void begin(HttpServerFileUpload upload) {
        File file = new File(upload.name());
        files.add(file);
        upload.handler(file.content::appendBuffer).endHandler(end -> file.ended = true);
    }

    /** Refuses a form that ended in the middle of a file. Ask at the end of the request. */
    static void requireWhole(RoutingContext ctx) {
        if (of(ctx).stream().anyMatch(f -> !f.ended)) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, "the form ends in the middle of a file");
        }
    }

    /** The files given for a field, without those that are empty: a browser sends one where nobody chose any. */
    static List<byte[]> of(RoutingContext ctx, String field) {
        return of(ctx).stream()
                .filter(f -> f.field.equals(field) && f.content.length() > 0)
                .map(f -> f.content.getBytes())
                .toList();
    }

    private static List<File> of(RoutingContext ctx) {
        Uploads uploads = ctx.get(KEY);
        return uploads == null ? List.of() : uploads.files;
    }
}
