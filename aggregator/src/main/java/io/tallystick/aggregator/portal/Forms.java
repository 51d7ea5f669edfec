package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.web.Requests;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import java.util.function.Function;

/** Fields of a posted form, checked as strictly as those of JSON. */
final class Forms {
    private Forms() {}

    /** A field's text without blanks around it; empty for one that is blank, as browsers send what was left alone. */
    static Optional<String> optional(RoutingContext ctx, String name, int charsMax) {
        return Requests.form(ctx, name)
                .map(String::strip)
                .filter(t -> !t.isEmpty())
                .map(text -> {
                    if (text.length() > charsMax || text.indexOf('\0') >= 0) {
                        throw Requests.invalid(name, "must have at most " + charsMax + " characters and no U+0000");
                    }
                    return text;
                });
    }

    static String required(RoutingContext ctx, String name, int charsMax) {
        return optional(ctx, name, charsMax).orElseThrow(() -> Requests.invalid(name, "is missing"));
    }

    /** A field that a parser takes; its {@link IllegalArgumentException} becomes the problem. */
    static <T> T parsed(RoutingContext ctx, String name, Function<String, T> parser) {
        String text = required(ctx, name, 200);
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            throw Requests.invalid(name, String.valueOf(e.getMessage()));
        }
    }
}
