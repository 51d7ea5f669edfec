package io.tallystick.aggregator.web;

import io.vertx.core.Future;
import java.util.Optional;

/** Tells who a bearer token speaks for. */
@FunctionalInterface
public interface Authenticator {
    /** The caller, or empty for a token that is unknown, revoked or expired; fails only when that cannot be found out. */
    Future<Optional<Caller>> authenticate(String bearerToken);
}
