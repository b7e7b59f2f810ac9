package dev.tenon.server.portal.view;

import dev.tenon.api.DataSize;
import dev.tenon.api.Event;
import dev.tenon.api.Member;
import dev.tenon.api.OperationKind;
import dev.tenon.api.Preview;
import dev.tenon.api.Reason;
import dev.tenon.api.Resources;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What every page knows: its reader, language, tenant and the frame around it.
 *
 * @param messages words
 * @param user who is signed in, empty on the sign-in page
 * @param admin whether that is an administrator of the installation
 * @param csrf token that every form carries
 * @param theme {@code auto}, {@code light} or {@code dark}
 * @param tenants tenants that the reader may choose from
 * @param tenant the chosen one's id, empty for none
 * @param section the entry of the navigation that is current
 * @param path the address of this page, for forms that come back to it
 * @param approvals changes that wait for somebody's approval
 * @param flash what the last action had to say
 * @param now when the page is made
 */
public record Page(
        Messages messages,
        String user,
        boolean admin,
        String csrf,
        String theme,
        List<TenantChoice> tenants,
        String tenant,
        String section,
        String path,
        int approvals,
        Optional<Notice> flash,
        Instant now) {
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'").withZone(ZoneOffset.UTC);
    private static final BigDecimal KILO = BigDecimal.valueOf(1024);
    private static final List<String> UNITS = List.of("B", "KiB", "MiB", "GiB", "TiB", "PiB");

    /**
     * Something to say at the top of a page.
     *
     * @param tone {@code ok}, {@code info}, {@code warn} or {@code bad}
     * @param text for people
     * @param code a stable code, empty for none
     */
    public record Notice(String tone, String text, String code) {}

    /**
     * A tenant to choose.
     *
     * @param id its id
     * @param name its technical name
     * @param label its name for people
     */
    public record TenantChoice(String id, String name, String label) {}

    /** Returns a text of this page's language. */
    public String t(String key, Object... arguments) {
        return messages.t(key, arguments);
    }

    /** Returns a text of this page's language, or {@code fallback} where the language has no word for it. */
    public String or(String key, String fallback) {
        return messages.find(key).orElse(fallback);
    }

    /** Returns the chosen tenant's name for people. */
    public String tenantLabel() {
        return tenants.stream()
                .filter(c -> c.id().equals(tenant))
                .map(TenantChoice::label)
                .findFirst()
                .orElse("");
    }

    /** Returns an address below the chosen tenant. */
    public String at(String path) {
        return "/ui/t/" + encode(tenant) + path;
    }

    /** Returns the address of an instance's page. */
    public String instance(dev.tenon.api.InstanceId id, String path) {
        return at("/instances/" + id.value() + path);
    }

    /** Returns a text encoded for one part of an address. */
    public static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Returns an exact moment. */
    public String time(Instant at) {
        return TIME.format(at);
    }

    /** Returns how long ago a moment was, in the largest whole unit. */
    public String ago(Instant at) {
        Duration d = Duration.between(at, now);
        if (d.compareTo(Duration.ofSeconds(5)) < 0) {
            return t("time.now");
        }
        return t("time.ago", span(d));
    }

    /** Returns how long until a moment, in the largest whole unit. */
    public String until(Instant at) {
        Duration d = Duration.between(now, at);
        return d.isNegative() ? t("time.due") : t("time.in", span(d));
    }

    /** Returns whole days until a moment, rounded up, at least zero. */
    public long daysUntil(Instant at) {
        return Math.max(0, (ChronoUnit.MINUTES.between(now, at) + 1_439) / 1_440);
    }

    /** Returns a length of time in its largest whole unit. */
    public String span(Duration d) {
        if (d.toDays() > 0) {
            return t("time.days", d.toDays());
        }
        if (d.toHours() > 0) {
            return t("time.hours", d.toHours());
        }
        if (d.toMinutes() > 0) {
            return t("time.minutes", d.toMinutes());
        }
        return t("time.seconds", Math.max(0, d.toSeconds()));
    }

    /** Returns how long a step took, exactly. */
    public String took(Duration d) {
        if (d.toMillis() < 1_000) {
            return d.toMillis() + " ms";
        }
        if (d.toSeconds() < 60) {
            return BigDecimal.valueOf(d.toMillis(), 3).setScale(2, RoundingMode.HALF_UP) + " s";
        }
        return span(d);
    }

    /** Returns how long clients are without service, in words; a change that ends with nothing running has no number. */
    public String interruption(Preview preview) {
        return preview.interruption()
                .map(length -> length.isZero() ? t("preview.none") : "≈ " + took(length))
                .orElseGet(() -> t("preview.stopped"));
    }

    private static String bytes(String number) {
        return size(DataSize.bytes(Long.parseLong(number)));
    }

    /** Returns a warning in the reader's language. */
    public String warning(Preview.Warning warning) {
        List<String> values = warning.values();
        return switch (warning.code()) {
            case OPEN_TO_ALL, NO_SERVICE, DATA_REMOVED, WRITES_PAUSE, ROLLS -> t("warning." + warning.code());
            case MEMBER_REMOVED, NOT_READY, ONE_HOST, WRITES_WAIT -> t("warning." + warning.code(), values.get(0));
            case RECOVERABLE -> t("warning.RECOVERABLE", span(Duration.ofHours(Long.parseLong(values.get(0)))));
            case RESTARTS ->
                values.isEmpty() ? t("warning.RESTARTS.limits") : t("warning.RESTARTS", String.join(", ", values));
            case ROLLS_PRIMARY_FIRST -> t("warning.ROLLS_PRIMARY_FIRST", String.join(", ", values));
            case MAY_LOSE ->
                values.get(2).isEmpty()
                        ? t("warning.MAY_LOSE.unknown", values.get(0), bytes(values.get(1)))
                        : t(
                                "warning.MAY_LOSE",
                                values.get(0),
                                bytes(values.get(1)),
                                time(Instant.parse(values.get(2))));
            case OTHER_HAS_MORE -> t("warning.OTHER_HAS_MORE", values.get(0), bytes(values.get(1)));
            case NEXT_RESTART -> t("warning.NEXT_RESTART", String.join(", ", values));
            case NOT_ENFORCED -> t("warning.NOT_ENFORCED", values.get(0), capability(values.get(1)));
        };
    }

    /** Returns what happened, in the reader's language. */
    public String event(Event event) {
        String text = or("event." + event.type(), event.message());
        Map<String, String> data = event.attributes();
        String about = data.getOrDefault("member", data.getOrDefault("name", ""));
        if (about.isEmpty() && event.type().startsWith("operation.") && data.containsKey("kind")) {
            about = kind(OperationKind.valueOf(data.get("kind")));
        }
        return about.isEmpty() ? text : t("reason.because", text, about);
    }

    /** Returns what else there is to say of an event, in the reader's language; empty if {@link #event} says all. */
    public String more(Event event) {
        if (messages == Messages.ENGLISH
                && messages.find("event." + event.type()).isPresent()) {
            return event.message();
        }
        return event.reasons().stream().map(this::reason).collect(Collectors.joining("; "));
    }

    /** Returns how a standby follows its primary, and how far behind it is. */
    public String follows(Member standby) {
        return standby.replication()
                .map(now -> {
                    List<String> parts = new ArrayList<>();
                    parts.add(or("follows." + now.state(), now.state()));
                    parts.add(or("sync." + now.sync(), now.sync()));
                    now.lagBytes().ifPresent(bytes -> parts.add(t("lag", size(DataSize.bytes(bytes)))));
                    now.lag().filter(time -> !time.isZero()).ifPresent(time -> parts.add(took(time)));
                    return String.join(" · ", parts);
                })
                .orElseGet(() -> t("follows.none"));
    }

    /** Returns a reason in the reader's language; what engines, places and people said stays in their words. */
    public String reason(Reason reason) {
        List<String> values = reason.values();
        String key = "reason." + reason.code();
        String text =
                switch (reason.code()) {
                    case SAID -> values.get(0);
                    case ERROR -> t("error." + values.get(0)) + " " + values.get(1);
                    case MEMBER_STATE -> t(key, values.get(0), or("member." + values.get(1), values.get(1)));
                    case MEMBER_SILENT -> t(key, values.get(0), time(Instant.parse(values.get(1))));
                    case MAY_LOSE -> t(key, bytes(values.get(0)));
                    case SAFE_UNTIL -> t(key, time(Instant.parse(values.get(0))));
                    case MEMBER_AWAY ->
                        t(key, values.get(0), time(Instant.parse(values.get(1))), time(Instant.parse(values.get(2))));
                    case HEALTH -> t(key, t("health." + values.get(0)));
                    case OPERATION_DONE,
                            OPERATION_CANCELLED,
                            OPERATION_FAILED,
                            OPERATION_RETRIED,
                            OPERATION_PARKED,
                            AWAITS_TURN,
                            AWAITS_NEXT_TRY,
                            AWAITS_PERSON,
                            AWAITS_APPROVAL -> t(key, kind(OperationKind.valueOf(values.get(0))));
                    case AWAITS_STEP ->
                        t(key, kind(OperationKind.valueOf(values.get(0))), or("step." + values.get(1), values.get(1)));
                    case NOT_DELIVERED,
                            STOPPED_AS_ASKED,
                            FROZEN_AS_ASKED,
                            RECYCLED,
                            PURGED,
                            PURGE_GIVEN_UP,
                            MEMBER_STARTS_LONG,
                            MEMBER_NOT_FOLLOWING,
                            MEMBER_TAKES_NO_WRITES,
                            MEMBER_UNSEEN,
                            MEMBER_LOST,
                            ONLY_COPY_AWAY,
                            ONLY_COPY_LOST,
                            MEMBER_RUNS_UNASKED,
                            CERTIFICATE_DUE,
                            CHANGE_GIVEN_UP,
                            HEALED_LATELY,
                            HEALS,
                            WAITS,
                            CANNOT_WORK,
                            PRIMARY_CHANGES,
                            STANDBYS_TOO_FEW,
                            FAILOVER_HELD_BACK,
                            RUNS_ALONE,
                            LOSS_TOO_GREAT,
                            WRITES_WAIT,
                            SWITCHOVER_WAITS,
                            ELECTED_SILENT,
                            PRIMARY_DEAD,
                            PRIMARY_SILENT,
                            PRIMARY_LOST_IN_SWITCHOVER,
                            PROMOTION_FORCED,
                            PRIMARY_BACK,
                            SWITCHOVER_LATE,
                            LEASE_LOST,
                            STORE_SILENT -> t(key, values.toArray());
                };
        return reason.because()
                .map(why -> t("reason.because", text, reason(why)))
                .orElse(text);
    }

    /** Returns a size in its natural unit with at most one fraction digit. */
    public static String size(DataSize size) {
        BigDecimal amount = BigDecimal.valueOf(size.bytes());
        int unit = 0;
        while (amount.compareTo(KILO) >= 0 && unit < UNITS.size() - 1) {
            amount = amount.divide(KILO, 6, RoundingMode.HALF_UP);
            unit++;
        }
        BigDecimal rounded = amount.setScale(1, RoundingMode.HALF_UP).stripTrailingZeros();
        return rounded.toPlainString() + " " + UNITS.get(unit);
    }

    /** Returns a number of processors without an exponent. */
    public static String cpus(BigDecimal cpus) {
        return cpus.stripTrailingZeros().toPlainString();
    }

    /** Returns a size class in one line. */
    public String resources(Resources r) {
        return t("size.line", cpus(r.cpus()), size(r.memory()), size(r.storage()));
    }

    /** Returns the name of a kind of operation. */
    public String kind(OperationKind kind) {
        return t("kind." + kind.name());
    }

    /** Returns a place's or engine's capability in words. */
    public String capability(String name) {
        return or("capability." + name, name);
    }

    /** Returns the same page with nothing to say, where its content says it. */
    public Page quiet() {
        return new Page(
                messages, user, admin, csrf, theme, tenants, tenant, section, path, approvals, Optional.empty(), now);
    }

    /** Returns the same page with something to say. */
    public Page saying(Notice notice) {
        return new Page(
                messages,
                user,
                admin,
                csrf,
                theme,
                tenants,
                tenant,
                section,
                path,
                approvals,
                Optional.of(notice),
                now);
    }
}
