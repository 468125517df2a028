// `get --sort-by COLUMN[:desc]`: items in the order of one column of the table. Pure; threading:
// none.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "cli/views.h"

namespace lb::cli {

// Sorts by the value behind a column of `-o wide`, in any case, equals in the order they had.
// Numbers and times sort as such: "9" before "10". InvalidArgument lists the columns.
absl::Status SortItems(Type type, const std::string& sort_by, Items& items);

}  // namespace lb::cli
