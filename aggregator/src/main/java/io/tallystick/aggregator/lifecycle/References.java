package io.tallystick.aggregator.lifecycle;

import io.tallystick.common.error.Failure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;

/**
 * What the changes of one set can call each other: {@code $Name.Entity.Identifier} stands for what the change of that name
 * makes or, where it makes nothing, for what it is about. Only earlier changes can be named.
 */
final class References {
    private record Named(int index, Change.Subject what, String id) {}

    private final Map<String, Named> names = new HashMap<>();
    private final List<Failure.Problem> problems = new ArrayList<>();

    /** From here on the change can be referred to. */
    void name(int index, Change.Wanted wanted, String id) {
        wanted.name().ifPresent(name -> {
            Named other = names.putIfAbsent(name, new Named(index, wanted.type().result(), id));
            if (other != null) {
                problem(index, "name", "is the name of changes[" + other.index() + "] already");
            }
        });
    }

    /** The id that is meant; empty, with a problem told, for a reference to nothing or to something else. */
    Optional<String> resolve(int index, Change.Wanted wanted) {
        String text = wanted.target().orElse("");
        if (!text.startsWith("$")) {
            return Optional.of(text);
        }
        String field = wanted.type().subject().wire();
        Matcher reference = Change.Wanted.REFERENCE.matcher(text);
        if (!reference.matches()) {
            problem(index, field, "must be an id, or $Name.Entity.Identifier with the name of an earlier change");
            return Optional.empty();
        }
        Named named = names.get(reference.group(1));
        if (named == null) {
            problem(index, field, "refers to " + reference.group(1) + ", and no earlier change has that name");
            return Optional.empty();
        }
        if (named.what() != wanted.type().subject()) {
            problem(
                    index,
                    field,
                    "refers to changes[" + named.index() + "], which has no " + field + " but is about a "
                            + named.what().wire());
            return Optional.empty();
        }
        return Optional.of(named.id());
    }

    void problem(int index, String field, String detail) {
        problems.add(new Failure.Problem("changes[" + index + "]." + field, detail));
    }

    List<Failure.Problem> problems() {
        return List.copyOf(problems);
    }
}
