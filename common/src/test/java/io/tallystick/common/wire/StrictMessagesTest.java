package io.tallystick.common.wire;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Changes every member of every sample message in turn, so that no field of a new message can be forgotten. */
class StrictMessagesTest {
    private static Map<String, Object> fresh(Samples.Sample s) {
        return Json.parseObjectWithLongStrings(s.bytes());
    }

    private static List<Failure.Problem> problems(Samples.Sample s, Map<String, Object> changed) {
        Failure failure = assertThrows(
                Failure.class, () -> s.reencode().apply(Json.writeBytes(changed)), () -> Json.write(changed));
        assertEquals(ErrorCode.INVALID_REQUEST, failure.code());
        return failure.problems();
    }

    private static void assertNamed(List<Failure.Problem> problems, String path) {
        assertTrue(problems.stream().anyMatch(p -> p.path().equals(path)), () -> path + " is not named in " + problems);
    }

    /** Calls back with every object of a fresh tree and its path. */
    private static void objects(@Nullable Object value, String path, BiConsumer<Map<String, Object>, String> found) {
        if (value instanceof Map<?, ?> map) {
            @SuppressWarnings("unchecked")
            Map<String, Object> object = (Map<String, Object>) map;
            found.accept(object, path);
            object.forEach((name, v) -> objects(v, path.isEmpty() ? name : path + "." + name, found));
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                objects(list.get(i), path + "[" + i + "]", found);
            }
        }
    }

    private static List<String> paths(Samples.Sample s) {
        List<String> paths = new ArrayList<>();
        objects(fresh(s), "", (object, path) -> {
            if (!path.endsWith(".tags")) {
                object.keySet().forEach(name -> paths.add(path.isEmpty() ? name : path + "." + name));
            }
        });
        return paths;
    }

    /** A fresh tree in which the member at this path was changed. */
    private static Map<String, Object> changed(
            Samples.Sample s, String path, BiConsumer<Map<String, Object>, String> change) {
        Map<String, Object> tree = fresh(s);
        Map<String, Runnable> changes = new LinkedHashMap<>();
        objects(tree, "", (object, at) -> object.keySet()
                .forEach(
                        name -> changes.put(at.isEmpty() ? name : at + "." + name, () -> change.accept(object, name))));
        java.util.Objects.requireNonNull(changes.get(path)).run();
        return tree;
    }

    private static Stream<DynamicTest> each(java.util.function.Consumer<Samples.Sample> test) {
        return Samples.all().stream().map(s -> DynamicTest.dynamicTest(s.name(), () -> test.accept(s)));
    }

    @TestFactory
    Stream<DynamicTest> a_required_member_left_out_is_named_and_an_optional_one_is_not_missed() {
        return each(s -> {
            for (String path : paths(s)) {
                for (Map<String, Object> tree : List.of(
                        changed(s, path, Map::remove),
                        changed(s, path, (object, name) -> object.put(name, nothing())))) {
                    if (s.optional().contains(path.replaceAll("\\[[0-9]+]", "[]"))) {
                        assertDoesNotThrow(() -> s.reencode().apply(Json.writeBytes(tree)), path);
                    } else {
                        // A record may name its time as hour or as minute, and is told so at the former.
                        assertNamed(problems(s, tree), path.replaceAll("minute$", "hour"));
                    }
                }
            }
        });
    }

    @SuppressWarnings("NullAway") // JSON's null, which stands for an absent member
    private static Object nothing() {
        return null;
    }

    @TestFactory
    Stream<DynamicTest> a_member_of_another_type_is_named() {
        return each(s -> {
            for (String path : paths(s)) {
                assertNamed(
                        problems(
                                s,
                                changed(s, path, (o, name) -> o.put(name, o.get(name) instanceof String ? 7L : "x"))),
                        path);
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> an_unknown_member_is_named_in_whatever_object_it_stands() {
        return each(s -> {
            List<String> at = new ArrayList<>();
            objects(fresh(s), "", (object, path) -> at.add(path));
            for (String where : at) {
                if (!where.endsWith(".tags")) {
                    Map<String, Object> tree = fresh(s);
                    List<Map<String, Object>> target = new ArrayList<>();
                    objects(tree, "", (object, path) -> {
                        if (path.equals(where)) {
                            target.add(object);
                        }
                    });
                    target.get(0).put("surprise", 1L);
                    List<Failure.Problem> problems = problems(s, tree);
                    String path = where.isEmpty() ? "surprise" : where + ".surprise";
                    assertEquals(List.of(new Failure.Problem(path, "is not a known field")), problems);
                }
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> duplicate_members_and_trailing_data_are_refused() {
        return each(s -> {
            String json = new String(s.bytes(), StandardCharsets.UTF_8);
            String first = Json.write(fresh(s).keySet().iterator().next());
            for (String bad : List.of(
                    json.substring(0, json.length() - 1) + "," + first + ":1}",
                    json + "{}",
                    "\uFEFF" + json,
                    "[" + json + "]")) {
                Failure failure =
                        assertThrows(Failure.class, () -> s.reencode().apply(bad.getBytes(StandardCharsets.UTF_8)));
                assertEquals(ErrorCode.INVALID_JSON, failure.code());
            }
        });
    }
}
