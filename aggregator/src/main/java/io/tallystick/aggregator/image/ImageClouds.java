package io.tallystick.aggregator.image;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The clouds this marketplace is present in, by name. */
public final class ImageClouds {
    private final Map<String, ImageCloud> byName = new TreeMap<>();

    public ImageClouds(List<ImageCloud> clouds) {
        clouds.forEach(cloud -> byName.put(cloud.cloud(), cloud));
    }

    /** The cloud of this name, or empty where the marketplace has no access to one. */
    public Optional<ImageCloud> of(String cloud) {
        return Optional.ofNullable(byName.get(cloud));
    }

    /** Sorted by name. */
    public List<String> names() {
        return List.copyOf(byName.keySet());
    }
}
