package io.tallystick.aggregator.web;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who is asking, taken from the token and from nothing else. The account is there for sellers and buyers only. */
public record Caller(String tokenId, Role role, @Nullable String accountId) {
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
        return "token:" + tokenId;
    }
}
