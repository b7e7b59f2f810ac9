package dev.tenon.server.portal.view;

import dev.tenon.api.Preview;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A question before something is done.
 *
 * @param title what is asked
 * @param text what it means
 * @param action where the answer goes
 * @param back where "no" leads
 * @param button the answer's word
 * @param danger whether it takes something away
 * @param preview what would happen, where it can be known
 * @param fields what the answer carries along
 * @param typed what must be typed before, empty for nothing
 * @param moved whether the world moved since the question was first asked
 * @param retention days to choose from, none where it is not asked
 */
public record Confirm(
        String title,
        String text,
        String action,
        String back,
        String button,
        boolean danger,
        Optional<Preview> preview,
        Map<String, String> fields,
        String typed,
        boolean moved,
        List<Integer> retention) {}
