package io.tallystick.aggregator.lifecycle;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The state machines of a product, its versions, its review and its change sets, as simple as they can be said: what may be
 * done, and what it makes of things. Nothing here comes from the program.
 */
final class Model {
    String visibility = "STAGING";
    final List<String> versions = new ArrayList<>();
    /** The review that is not decided: what was asked for, and whether it was sent back. */
    Optional<String> asked = Optional.empty();

    boolean sentBack;
    /** The open change set: its kind and the version it is about. */
    Optional<String> open = Optional.empty();

    int about = -1;
    private final boolean deletes;

    /** @param deletes whether unpublishing is known here, as at OUTSCALE; at AWS it is not */
    Model(boolean deletes) {
        this.deletes = deletes;
    }

    private boolean follows(String next) {
        return switch (visibility) {
            case "STAGING" -> next.equals("LIMITED");
            case "LIMITED" -> next.equals("PUBLIC") || next.equals("RESTRICTED");
            case "PUBLIC" -> next.equals("RESTRICTED");
            default -> false;
        };
    }

    boolean ask(String wanted) {
        if (asked.isPresent()) {
            // Asking again for the same is the same request; for another it is refused.
            sentBack = sentBack && !asked.get().equals(wanted);
            return asked.get().equals(wanted);
        }
        if (follows(wanted)) {
            asked = Optional.of(wanted);
            return true;
        }
        return false;
    }

    /** @param decision approve, reject, return or cancel */
    boolean decide(String decision) {
        if (asked.isEmpty()) {
            return false;
        }
        if (decision.equals("approve")) {
            // A change set may have restricted the product meanwhile, if it was sent back then.
            if (!follows(asked.get()) && !visibility.equals(asked.get())) {
                return false;
            }
            visibility = asked.get();
        }
        sentBack = decision.equals("return");
        asked = sentBack ? asked : Optional.empty();
        return true;
    }

    private boolean anotherPublished(int version) {
        for (int i = 0; i < versions.size(); i++) {
            if (i != version && versions.get(i).equals("published")) {
                return true;
            }
        }
        return false;
    }

    private boolean launchable(int version) {
        return versions.get(version).equals("published")
                || versions.get(version).equals("restricted");
    }

    private boolean anyLaunchable() {
        return versions.stream().anyMatch(v -> v.equals("published") || v.equals("restricted"));
    }

    /** @param kind publish, modify, restrict, unpublish or withdraw */
    boolean start(String kind, int version) {
        if (open.isPresent() || asked.isPresent() && !sentBack) {
            return false;
        }
        boolean allowed =
                switch (kind) {
                    case "publish" -> versions.get(version).equals("draft");
                    case "modify" -> !versions.get(version).equals("draft");
                    case "restrict" -> versions.get(version).equals("published") && anotherPublished(version);
                    case "unpublish" -> deletes && launchable(version) && anotherPublished(version);
                    default -> anyLaunchable();
                };
        if (allowed) {
            open = Optional.of(kind);
            about = version;
        }
        return allowed;
    }

    void cancel() {
        open = Optional.empty();
    }

    /** The open change set is carried out. */
    void work() {
        switch (open.orElse("")) {
            case "publish" -> versions.set(about, "published");
            case "restrict" -> versions.set(about, "restricted");
            case "unpublish" -> versions.set(about, "unpublished");
            case "withdraw" -> {
                versions.replaceAll(
                        v -> deletes && (v.equals("published") || v.equals("restricted")) ? "unpublished" : v);
                visibility = visibility.equals("STAGING") ? visibility : "RESTRICTED";
            }
            default -> {}
        }
        open = Optional.empty();
    }
}
