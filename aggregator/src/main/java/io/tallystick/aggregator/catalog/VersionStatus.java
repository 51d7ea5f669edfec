package io.tallystick.aggregator.catalog;

import java.util.Locale;

/** How far a version is. */
public enum VersionStatus {
    /** Its data may still be changed, its image too. */
    DRAFT,
    /** A change set is publishing it. */
    PUBLISHING,
    /** For everybody with an agreement. */
    PUBLISHED,
    /** For agreements accepted before it was restricted. */
    RESTRICTED,
    /** Its copy is deleted: no new VM, those launched before go on. */
    UNPUBLISHED;

    /** Whether a VM can be launched from its copy by somebody. */
    public boolean isLaunchable() {
        return this == PUBLISHED || this == RESTRICTED;
    }

    /** As written in JSON, leases and the database. */
    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static VersionStatus ofWire(String wire) {
        for (VersionStatus status : values()) {
            if (status.wire().equals(wire)) {
                return status;
            }
        }
        throw new IllegalArgumentException("must be draft, publishing, published, restricted or unpublished");
    }
}
