// What a test peer tells its test: one JSON object per line on stdout, whole and newest last.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>

namespace lb::testpeer {

using Counts = std::map<std::string, uint64_t>;

boost::json::object ToJson(const Counts& counts);

// Writes the line in one write(2), so that a reader sees it whole or not at all.
void WriteReport(const boost::json::object& report);

}  // namespace lb::testpeer
