package io.tallystick.sandbox;

import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object read leniently, as the programs of other people would: members nobody asked for do not matter, a missing
 * one is told with the whole object.
 */
public final class Doc {
    private final Map<?, ?> map;

    private Doc(Map<?, ?> map) {
        this.map = map;
    }

    static Doc of(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new Trouble("a JSON object is expected, not " + Json.write(value));
        }
        return new Doc(map);
    }

    public static Doc parse(String text) {
        return of(Json.parse(text));
    }

    public String text(String name) {
        return optionalText(name).orElseThrow(() -> new Trouble("\"" + name + "\" is missing in " + this));
    }

    /** A member as text, numbers and booleans too; absent if it is missing or null. */
    public Optional<String> optionalText(String name) {
        return Optional.ofNullable(map.get(name))
                .map(v -> v instanceof Map || v instanceof List ? Json.write(v) : v.toString());
    }

    public long number(String name) {
        Object value = map.get(name);
        if (value instanceof Long n) {
            return n;
        }
        throw new Trouble("\"" + name + "\" must be a whole number in " + this);
    }

    public Doc object(String name) {
        return optionalObject(name).orElseThrow(() -> new Trouble("\"" + name + "\" is missing in " + this));
    }

    public Optional<Doc> optionalObject(String name) {
        return Optional.ofNullable(map.get(name)).map(Doc::of);
    }

    /** An array of objects; a missing one is empty. */
    public List<Doc> objects(String name) {
        List<Doc> result = new ArrayList<>();
        if (map.get(name) instanceof List<?> list) {
            list.forEach(v -> result.add(of(v)));
        }
        return result;
    }

    /** An object of strings, in the document's order; a missing one is empty. */
    public Map<String, String> strings(String name) {
        Map<String, String> result = new LinkedHashMap<>();
        if (map.get(name) instanceof Map<?, ?> members) {
            members.forEach((k, v) -> result.put(String.valueOf(k), String.valueOf(v)));
        }
        return result;
    }

    /** All members, in the document's order. */
    Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        map.forEach((k, v) -> members.put(String.valueOf(k), v));
        return members;
    }

    @Override
    public String toString() {
        return Json.write(map);
    }
}
