package dev.tenon.server.portal;

import dev.tenon.api.Catalogue;
import dev.tenon.api.Cidr;
import dev.tenon.api.DataSize;
import dev.tenon.api.Durability;
import dev.tenon.api.EngineId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Names;
import dev.tenon.api.Resources;
import dev.tenon.api.Secret;
import dev.tenon.api.Topology;
import io.javalin.http.Context;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the form for a new instance; collects what is wrong field by field instead of stopping at the first. */
final class CreateForm {
    private static final List<String> TEXTS = List.of(
            "name",
            "displayName",
            "description",
            "engine",
            "version",
            "size",
            "cpus",
            "memory",
            "storage",
            "standbys",
            "reads",
            "durability",
            "delivery",
            "zone",
            "whitelist",
            "tags",
            "parameters",
            "database",
            "owner",
            "passwordMode",
            "deletionProtection",
            "ephemeral",
            "request");

    private final Map<String, String> values = new HashMap<>();
    private final Map<String, String> errors = new LinkedHashMap<>();
    private Optional<InstanceSpec> spec = Optional.empty();
    private Optional<Secret> password = Optional.empty();

    private CreateForm() {}

    /** Returns a form filled with what most people want. */
    static CreateForm fresh(Catalogue catalogue, String name, String request) {
        CreateForm form = new CreateForm();
        form.values.put("name", name);
        form.values.put("request", request);
        catalogue.offers().stream().findFirst().ifPresent(offer -> {
            form.values.put("engine", offer.engine().value());
            form.values.put("version", offer.versions().get(0).version());
        });
        catalogue.plans().stream()
                .skip(catalogue.plans().size() > 1 ? 1 : 0)
                .findFirst()
                .ifPresent(plan -> form.values.put("size", "plan:" + plan.name()));
        catalogue.places().stream().findFirst().ifPresent(place -> form.values.put("delivery", place.id()));
        form.values.put("standbys", "0");
        form.values.put("durability", Durability.BALANCED.name());
        form.values.put("whitelist", "127.0.0.1/32\n::1/128");
        form.values.put("database", "app");
        form.values.put("owner", "app_owner");
        form.values.put("passwordMode", "generated");
        form.build();
        return form;
    }

    /** Reads what was sent. The password is kept apart and never shown again. */
    static CreateForm of(Context ctx) {
        CreateForm form = new CreateForm();
        TEXTS.forEach(field -> form.values.put(field, Site.form(ctx, field)));
        if (form.value("passwordMode").equals("own")) {
            form.password = Optional.of(Secret.of(Site.text(ctx.formParam("password"))));
        }
        form.build();
        return form;
    }

    Map<String, String> values() {
        return values;
    }

    Map<String, String> errors() {
        return errors;
    }

    /** Returns the specification without the password, unless a field is wrong. */
    Optional<InstanceSpec> spec() {
        return errors.isEmpty() ? spec : Optional.empty();
    }

    Optional<Secret> password() {
        return password;
    }

    /** Puts a failure beside its field; returns whether the form has that field. */
    boolean blame(InvalidSpecException failure) {
        String field = failure.field();
        for (String known : dev.tenon.server.portal.view.CreateModel.FIELDS) {
            if (field.equals(known) || field.startsWith(known + ".") || field.startsWith(known + "[")) {
                errors.put(known, Problems.detail(failure));
                return true;
            }
        }
        return false;
    }

    private void build() {
        InstanceSpec.Builder builder = InstanceSpec.builder();
        check(() -> builder.name(Names.label("name", value("name"))));
        optional("displayName").ifPresent(t -> check(() -> builder.displayName(Names.display("displayName", t, 128))));
        optional("description")
                .ifPresent(t -> check(() -> builder.description(Names.display("description", t, 1_000))));
        check(() -> builder.engine(new EngineId(value("engine"))));
        builder.version(value("version"));
        size(builder);
        check(() -> builder.topology(this::topology));
        optional("delivery").ifPresent(builder::delivery);
        optional("zone").ifPresent(builder::zone);
        check(() -> builder.whitelist(whitelist(value("whitelist"))));
        check(() -> builder.tags(Tags.parse("tags", value("tags"))));
        check(() -> builder.parameters(Tags.parse("parameters", value("parameters"))));
        optional("database").ifPresent(t -> check(() -> builder.database(Names.databaseObject("database", t))));
        optional("owner").ifPresent(t -> check(() -> builder.owner(Names.databaseObject("owner", t))));
        builder.deletionProtection(value("deletionProtection").equals("on"));
        builder.ephemeral(value("ephemeral").equals("on"));
        if (errors.isEmpty()) {
            check(() -> {
                // Checks the password with the rest; what is kept and previewed does not hold it.
                InstanceSpec whole = builder.password(password).build();
                spec = Optional.of(whole.password().isPresent() ? without(whole) : whole);
            });
        }
    }

    private static InstanceSpec without(InstanceSpec spec) {
        return InstanceSpec.builder().from(spec).password(Optional.empty()).build();
    }

    private void topology(Topology.Builder topology) {
        try {
            topology.standbys(Integer.parseInt(optional("standbys").orElse("0")));
            if (value("reads").equals("on")) {
                topology.readWriteSplit();
            }
            optional("durability").map(Durability::valueOf).ifPresent(topology::durability);
        } catch (IllegalArgumentException e) {
            throw new InvalidSpecException("topology", "expected 0 to 8 standbys and a kind of durability");
        }
    }

    private void size(InstanceSpec.Builder builder) {
        String size = value("size");
        if (size.startsWith("plan:")) {
            builder.plan(size.substring("plan:".length()));
        } else {
            resources(values, errors).ifPresent(builder::resources);
        }
    }

    /** Reads a size of one's own, and puts what is wrong with it beside its fields. */
    static Optional<Resources> resources(Map<String, String> values, Map<String, String> errors) {
        Optional<BigDecimal> cpus = Optional.empty();
        try {
            String text = values.getOrDefault("cpus", "");
            if (text.length() > 12) {
                throw new NumberFormatException("too long");
            }
            cpus = Optional.of(new BigDecimal(text));
        } catch (NumberFormatException e) {
            errors.put("resources.cpus", "expected a number, such as 2 or 0.5");
        }
        Optional<DataSize> memory = amount("memory", values, errors);
        Optional<DataSize> storage = amount("storage", values, errors);
        if (cpus.isEmpty() || memory.isEmpty() || storage.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Resources(cpus.get(), memory.get(), storage.get()));
        } catch (InvalidSpecException e) {
            errors.put(e.field(), Problems.detail(e));
            return Optional.empty();
        }
    }

    private static Optional<DataSize> amount(String field, Map<String, String> values, Map<String, String> errors) {
        try {
            return Optional.of(DataSize.parse(values.getOrDefault(field, "").replace(" ", "")));
        } catch (InvalidSpecException e) {
            errors.put("resources." + field, Problems.detail(e));
            return Optional.empty();
        }
    }

    static List<Cidr> whitelist(String text) {
        List<Cidr> blocks = new ArrayList<>();
        for (String line : text.split("[\\s,]+", -1)) {
            if (!line.isEmpty()) {
                blocks.add(Cidr.parse(line));
            }
        }
        return blocks;
    }

    private void check(Runnable step) {
        try {
            step.run();
        } catch (InvalidSpecException e) {
            if (!blame(e)) {
                errors.put("name", Problems.detail(e));
            }
        }
    }

    private String value(String field) {
        return values.getOrDefault(field, "");
    }

    private Optional<String> optional(String field) {
        return Optional.of(value(field)).filter(t -> !t.isEmpty());
    }
}
