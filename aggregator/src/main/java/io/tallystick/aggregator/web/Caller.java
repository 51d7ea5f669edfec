package io.tallystick.aggregator.web;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who is asking, taken from the token or the portal's session and from nothing else.
 *
 * @param id of the token, or of the signed-in user ({@code usr-…})
 * @param accountId there for sellers and buyers only
 */
public record Caller(String id, Role role, @Nullable String accountId) {
    private static final String USER_PREFIX = "usr-";

    public Caller {
        if (role.hasAccount() != (accountId != null)) {
            throw new IllegalArgumentException("sellers and buyers have an account, others have none");
        }
    }

    public boolean isOperator() {
        return role == Role.OPERATOR;
    }

    /** The account of a seller or buyer; empty for the others. */
    public Optional<String> account() {
        return Optional.ofNullable(accountId);
    }

    /** How the audit log names this caller. */
    public String actor() {
        return (id.startsWith(USER_PREFIX) ? "user:" : "token:") + id;
    }
}
