package dev.tenon.server.portal.view;

import dev.tenon.api.Catalogue;
import dev.tenon.api.EngineId;
import dev.tenon.api.Plan;
import dev.tenon.api.Preview;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The form for a new instance.
 *
 * @param offers engines and versions to choose from
 * @param plans size classes
 * @param places places
 * @param values what was typed, by field
 * @param errors what is wrong with it, by field
 * @param preview what creating it would do, if it can be known
 * @param problem why it cannot be created although every field is right
 * @param moved whether the world moved since the last preview
 */
public record CreateModel(
        List<Catalogue.Offer> offers,
        List<Plan> plans,
        List<Catalogue.Place> places,
        Map<String, String> values,
        Map<String, String> errors,
        Optional<Preview> preview,
        Optional<Page.Notice> problem,
        boolean moved) {
    /** Fields whose errors are shown beside them. */
    public static final List<String> FIELDS = List.of(
            "name",
            "displayName",
            "description",
            "engine",
            "version",
            "plan",
            "resources.cpus",
            "resources.memory",
            "resources.storage",
            "topology",
            "delivery",
            "zone",
            "whitelist",
            "tags",
            "parameters",
            "database",
            "owner",
            "password");

    /** Keeps the places that an order can name: one without hosts has nothing to offer yet. */
    public CreateModel {
        places = places.stream()
                .filter(place -> offers.stream()
                        .flatMap(offer -> offer.versions().stream())
                        .anyMatch(version -> version.deliveries().contains(place.id())))
                .toList();
    }

    /** Returns what was typed into a field. */
    public String value(String field) {
        return values.getOrDefault(field, "");
    }

    /** Returns what is wrong with a field, empty for nothing. */
    public String error(String field) {
        return errors.getOrDefault(field, "");
    }

    /** Returns the field's name as an element's id. */
    public static String id(String field) {
        return field.replace('.', '-');
    }

    /** Returns the versions of the chosen engine, or of the first. */
    public List<Catalogue.Version> versions() {
        return offers.stream()
                .filter(o -> o.engine().value().equals(value("engine")))
                .findFirst()
                .or(() -> offers.stream().findFirst())
                .map(Catalogue.Offer::versions)
                .orElse(List.of());
    }

    /** Returns whether an engine is chosen. */
    public boolean chosen(EngineId engine) {
        return engine.value().equals(value("engine"));
    }

    /** Returns the zones of the chosen place. */
    public List<String> zones() {
        return places.stream()
                .filter(p -> p.id().equals(value("delivery")))
                .findFirst()
                .or(() -> places.stream().findFirst())
                .map(p -> p.hosts().stream()
                        .map(Catalogue.Host::zone)
                        .distinct()
                        .sorted()
                        .toList())
                .orElse(List.of());
    }
}
