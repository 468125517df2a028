// What an API server of Kubernetes may send: a list of EndpointSlices, or lines of a watch. However
// the bytes are cut, the same is read from them; what is read can be merged, and is in order.

#include <algorithm>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "controlplane/discovery/list_reader.h"
#include "controlplane/discovery/slice_set.h"
#include "controlplane/discovery/watch_reader.h"

namespace {

using lb::controlplane::ListReader;
using lb::controlplane::ServiceEndpoint;
using lb::controlplane::Slice;
using lb::controlplane::SlicePut;
using lb::controlplane::SliceSet;
using lb::controlplane::WatchReader;
using lb::controlplane::WatchWord;

void CheckMerge(const std::vector<Slice>& slices) {
  SliceSet set;
  for (const Slice& slice : slices) LB_CHECK(set.Put(slice).ok());
  for (const char* port : {"http", "80", ""}) {
    const std::vector<ServiceEndpoint> merged = set.Merge(port);
    for (size_t i = 0; i < merged.size(); ++i) {
      LB_CHECK(merged[i].address.port() != 0 && merged[i].address.IsResolved());
      LB_CHECK(i == 0 || merged[i - 1].address < merged[i].address);
    }
  }
  for (const Slice& slice : slices) set.Remove(slice.name);
  LB_CHECK(set.slices() == 0 && set.endpoints() == 0);
}

// Gives `text` to a reader, the first `cut` bytes apart from the rest. True: it took all.
template <typename Reader, typename Item>
bool TakeIn(Reader& reader, std::string_view text, size_t cut, std::vector<Item>& items) {
  return reader.Take(text.substr(0, cut), items).ok() && reader.Take(text.substr(cut), items).ok();
}

void TryList(std::string_view text, size_t cut) {
  ListReader whole;
  ListReader cut_up;
  std::vector<Slice> once;
  std::vector<Slice> twice;
  const bool good = TakeIn(whole, text, text.size(), once);
  LB_CHECK(TakeIn(cut_up, text, cut, twice) == good);
  LB_CHECK(once.size() == twice.size());
  if (good) LB_CHECK(whole.Finish().ok() == cut_up.Finish().ok());
  CheckMerge(once);
}

void TryWatch(std::string_view text, size_t cut) {
  WatchReader whole;
  WatchReader cut_up;
  std::vector<WatchWord> once;
  std::vector<WatchWord> twice;
  LB_CHECK(TakeIn(whole, text, text.size(), once) == TakeIn(cut_up, text, cut, twice));
  LB_CHECK(once.size() == twice.size());
  std::vector<Slice> slices;
  for (const WatchWord& word : once)
    if (const auto* put = std::get_if<SlicePut>(&word)) slices.push_back(put->slice);
  CheckMerge(slices);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t cut = size == 0 ? 0 : size_t{data[0]} * 31 % size;
  TryList(text, cut);
  TryWatch(text, cut);
  return 0;
}
