// Whether files have changed, without reading them. It blocks: for helper threads.
// Threading: none.
#pragma once

#include <map>
#include <set>
#include <string>

namespace lb::controlplane {

// By path: what tells one content from another. Links are followed.
using FileStamps = std::map<std::string, std::string>;

// The stamp of a file as it is now: device, inode, size and times of stat(2), or why there is none.
// Taken before a file is read, it shows a change that came meanwhile.
std::string StampOf(const std::string& path);

// Whether every file still has its stamp.
bool AreCurrent(const FileStamps& stamps);

// The folders in which a change of the files shows: of their paths, and of what these lead to. No
// more than `max`.
std::set<std::string> FoldersOf(const FileStamps& stamps, size_t max);

}  // namespace lb::controlplane
