package io.tallystick.aggregator.lifecycle;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

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
    private String named = "";
    /** What the product is offered in, and whether it is offered in all because nothing was ever named. */
    final Set<String> regions = new TreeSet<>();

    final Set<String> types = new TreeSet<>();
    private boolean anyRegion = true;
    private boolean anyType = true;
    /** Where each version has copies. */
    final List<Set<String>> copies = new ArrayList<>();
    /** What each version recommends. */
    private final List<String> recommended = new ArrayList<>();

    /** Dimensions that can be priced, and those that were restricted. */
    final Set<String> dimensions = new TreeSet<>();

    final Set<String> shut = new TreeSet<>();
    final Set<Integer> closed = new TreeSet<>();
    final Set<String> titles = new HashSet<>();
    String title = "Gateway";
    /** The languages of its page: none, en or both. */
    String page = "";
    /** How many rates each offer has, and those whose price rose: nothing here takes 90 days. */
    final List<Integer> rates = new ArrayList<>();

    private final Set<Integer> risen = new HashSet<>();
    private final boolean deletes;
    private final String home;

    /**
     * @param deletes whether unpublishing is known here, as at OUTSCALE; at AWS it is not, and there copies go to all regions
     * @param home the region of all versions' images
     */
    Model(boolean deletes, String home) {
        this.deletes = deletes;
        this.home = home;
    }

    void draft(String versionTitle, String type) {
        versions.add("draft");
        copies.add(new TreeSet<>());
        titles.add(versionTitle);
        recommended.add(type);
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
            if (!asked.get().equals(wanted) || sentBack && open.isPresent()) {
                return false;
            }
            sentBack = false;
            return true;
        }
        if (follows(wanted) && open.isEmpty()) {
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

    private boolean offered(int version) {
        String type = recommended.get(version);
        return (anyRegion || (deletes ? regions.contains(home) : !regions.isEmpty()))
                && (type.isEmpty() || anyType || types.contains(type))
                && !(deletes && page.equals("en"));
    }

    /** The first region that is named ends that the product is in all: one with versions may not be forgotten. */
    private boolean forgets(String region) {
        return anyRegion && !region.equals(home) && versions.contains("published");
    }

    private boolean isRecommended(String type) {
        for (int i = 0; i < versions.size(); i++) {
            if (versions.get(i).equals("published") && recommended.get(i).equals(type)) {
                return true;
            }
        }
        return false;
    }

    private boolean mayBeRenamed() {
        return visibility.equals("STAGING") || visibility.equals("LIMITED");
    }

    /**
     * @param about the version, or the offer of a price
     * @param name of the region, instance type, dimension, version or product; the languages of a page
     */
    boolean start(String kind, int about, String name) {
        if (open.isPresent() || asked.isPresent() && !sentBack) {
            return false;
        }
        boolean allowed =
                switch (kind) {
                    case "publish" -> versions.get(about).equals("draft") && offered(about);
                    case "modify" -> !versions.get(about).equals("draft");
                    case "restrict" -> versions.get(about).equals("published") && anotherPublished(about);
                    case "unpublish" -> deletes && launchable(about) && anotherPublished(about);
                    case "withdraw" -> anyLaunchable();
                    case "add-region" -> !regions.contains(name) && !forgets(name);
                    case "restrict-region" -> regions.contains(name);
                    case "add-type" -> !types.contains(name);
                    case "restrict-type" -> types.contains(name) && !isRecommended(name);
                    case "measure" -> !dimensions.contains(name);
                    case "version" -> !titles.contains(name);
                    case "rename" -> title.equals(name) || mayBeRenamed();
                    case "describe" -> name.equals("both") || !deletes || !anyLaunchable();
                    case "raise", "lower" -> !risen.contains(about) && dimensions.contains("requests");
                    case "close" -> !closed.contains(about);
                    case "shut" -> dimensions.contains(name);
                    case "name" -> dimensions.contains(name) || shut.contains(name);
                    case "offer" -> dimensions.contains("requests");
                    default -> throw new IllegalArgumentException(kind);
                };
        if (allowed) {
            open = Optional.of(kind);
            this.about = about;
            named = name;
        }
        return allowed;
    }

    void cancel() {
        open = Optional.empty();
    }

    /** The open change set is carried out. */
    void work() {
        switch (open.orElse("")) {
            case "publish" -> {
                versions.set(about, "published");
                copies.get(about).addAll(anyRegion || deletes ? Set.of(home) : regions);
            }
            case "modify" -> recommended.set(about, "");
            case "add-region" -> {
                anyRegion &= !regions.add(named);
                for (int i = 0; i < versions.size(); i++) {
                    if (!deletes && versions.get(i).equals("published")) {
                        copies.get(i).add(named);
                    }
                }
            }
            case "restrict-region" -> regions.remove(named);
            case "add-type" -> anyType &= !types.add(named);
            case "restrict-type" -> types.remove(named);
            case "measure" -> {
                dimensions.add(named);
                shut.remove(named);
            }
            case "shut" -> {
                dimensions.remove(named);
                shut.add(named);
            }
            case "close" -> closed.add(about);
            case "version" -> draft(named, "");
            // An operator may have made it PUBLIC meanwhile.
            case "rename" -> title = mayBeRenamed() ? named : title;
            case "describe" -> page = named;
            case "offer" -> rates.add(1);
            case "raise", "lower" -> {
                rates.set(about, rates.get(about) + 1);
                if (open.get().equals("raise")) {
                    risen.add(about);
                }
            }
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
