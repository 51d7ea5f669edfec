package io.tallystick.agent.api;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Failures as HTTP statuses and problem documents (RFC 9457): the one place of the agent where either is decided. */
final class Problems {
    private Problems() {}

    static int status(ErrorCode code) {
        return switch (code.kind()) {
            case INVALID -> 400;
            case UNAUTHENTICATED -> 401;
            case FORBIDDEN -> 403;
            case NOT_FOUND -> 404;
            case METHOD -> 405;
            case NOT_ACCEPTABLE -> 406;
            case CONFLICT -> 409;
            case TOO_LARGE -> 413;
            case UNSUPPORTED -> 415;
            case LIMITED -> 429;
            case UNAVAILABLE -> 503;
            case INTERNAL -> 500;
        };
    }

    static byte[] document(Failure f) {
        Map<String, Object> problem = new LinkedHashMap<>();
        problem.put("type", "about:blank");
        problem.put("title", f.code().title());
        problem.put("status", status(f.code()));
        problem.put("code", f.code().wire());
        problem.put("detail", f.detail());
        if (!f.problems().isEmpty()) {
            List<Object> errors = new ArrayList<>();
            f.problems().forEach(p -> errors.add(Json.object("path", p.path(), "detail", p.detail())));
            problem.put("errors", errors);
        }
        f.data().forEach(problem::putIfAbsent);
        return Json.writeBytes(problem);
    }
}
