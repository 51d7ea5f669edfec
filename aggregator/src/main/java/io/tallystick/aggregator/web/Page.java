package io.tallystick.aggregator.web;

import io.tallystick.common.json.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Part of a list, and the key to continue after, which is null on the last page. */
public record Page<T>(List<T> items, @Nullable String next) {

    /** Cuts a page from rows read with a limit of one more than asked for, which is how a store knows there is more. */
    public static <T> Page<T> of(List<T> oneMore, PageRequest request, Function<T, String> key) {
        if (oneMore.size() <= request.limit()) {
            return new Page<>(List.copyOf(oneMore), null);
        }
        List<T> items = List.copyOf(oneMore.subList(0, request.limit()));
        return new Page<>(items, key.apply(items.get(items.size() - 1)));
    }

    /** The same page of other things. */
    public <R> Page<R> map(Function<T, R> fn) {
        return new Page<>(items.stream().map(fn).toList(), next);
    }

    /** What to hand back as {@code after} for the next page, if there is one. */
    public Optional<String> nextParameter() {
        return Optional.ofNullable(next).map(PageRequest::encode);
    }

    /** {@code {"items": […], "next": "…"}}, without {@code next} on the last page. */
    public Map<String, Object> json(Function<T, ?> item) {
        return Json.object(
                "items", items.stream().map(item).toList(), "next", next == null ? null : PageRequest.encode(next));
    }
}
