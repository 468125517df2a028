// The stable codes of findings. A code keeps its meaning for ever; one that is no longer found is
// not given to anything else. LB01xx are errors, LB02xx warnings.
#pragma once

#include <array>
#include <string_view>

namespace lb::controlplane::codes {

// The text and its YAML.
inline constexpr std::string_view kSyntax = "LB0101";
inline constexpr std::string_view kUnknownKey = "LB0102";
inline constexpr std::string_view kDuplicateKey = "LB0103";
inline constexpr std::string_view kTooLarge = "LB0120";
inline constexpr std::string_view kNotText = "LB0121";
inline constexpr std::string_view kEmpty = "LB0122";
inline constexpr std::string_view kTab = "LB0123";
inline constexpr std::string_view kManyDocuments = "LB0124";
inline constexpr std::string_view kTooDeepOrMany = "LB0125";
inline constexpr std::string_view kAlias = "LB0126";
inline constexpr std::string_view kUnsupportedYaml = "LB0127";

// Single values.
inline constexpr std::string_view kWrongType = "LB0104";
inline constexpr std::string_view kUnknownChoice = "LB0105";
inline constexpr std::string_view kOutOfRange = "LB0106";
inline constexpr std::string_view kMissingKey = "LB0107";
inline constexpr std::string_view kBadFormat = "LB0108";
inline constexpr std::string_view kYesNo = "LB0109";
inline constexpr std::string_view kUnit = "LB0110";
inline constexpr std::string_view kNotBuilt = "LB0111";
inline constexpr std::string_view kVariable = "LB0112";
inline constexpr std::string_view kFile = "LB0113";

// Values against each other.
inline constexpr std::string_view kDuplicateName = "LB0114";
inline constexpr std::string_view kListenTwice = "LB0115";
inline constexpr std::string_view kContradiction = "LB0116";

inline constexpr std::string_view kBadClusterKey = "LB0117";

// What is in the files of TLS.
inline constexpr std::string_view kBadCertificate = "LB0130";
inline constexpr std::string_view kBadKey = "LB0131";
inline constexpr std::string_view kBadAuthorities = "LB0132";
inline constexpr std::string_view kBadRevocations = "LB0133";
inline constexpr std::string_view kOutOfTime = "LB0134";
inline constexpr std::string_view kTooMuchMaterial = "LB0135";
inline constexpr std::string_view kNotCovered = "LB0136";

inline constexpr std::string_view kListenOverlap = "LB0201";
inline constexpr std::string_view kBackendTwice = "LB0202";
inline constexpr std::string_view kCheckTimeout = "LB0203";
inline constexpr std::string_view kAllWeightsZero = "LB0205";
inline constexpr std::string_view kOpenCluster = "LB0206";
inline constexpr std::string_view kIgnoreVerify = "LB0207";
inline constexpr std::string_view kNoRules = "LB0208";
inline constexpr std::string_view kNoBackends = "LB0209";
inline constexpr std::string_view kIdleQueue = "LB0210";
inline constexpr std::string_view kSourceTwice = "LB0211";
inline constexpr std::string_view kIdleSource = "LB0212";
inline constexpr std::string_view kIdleHandshake = "LB0220";
inline constexpr std::string_view kAnyProxy = "LB0230";
inline constexpr std::string_view kNetworkTwice = "LB0231";
inline constexpr std::string_view kIdleBurst = "LB0232";
inline constexpr std::string_view kSmallBurst = "LB0233";
inline constexpr std::string_view kCoarseRate = "LB0234";
inline constexpr std::string_view kIdleTrust = "LB0235";
inline constexpr std::string_view kCheckName = "LB0236";
inline constexpr std::string_view kProtocolTwice = "LB0237";
inline constexpr std::string_view kProtocolsDiffer = "LB0238";
inline constexpr std::string_view kTlsInTls = "LB0239";
inline constexpr std::string_view kOutOfTimeInForce = "LB0240";
inline constexpr std::string_view kNotStapled = "LB0241";
inline constexpr std::string_view kUnusedCertificate = "LB0242";
inline constexpr std::string_view kSomeOutOfTime = "LB0243";
inline constexpr std::string_view kSomeNotCovered = "LB0244";
inline constexpr std::string_view kNeverShown = "LB0245";
inline constexpr std::string_view kOpenKey = "LB0246";
inline constexpr std::string_view kOldStays = "LB0247";
inline constexpr std::string_view kNoNames = "LB0248";
inline constexpr std::string_view kOnlyBackups = "LB0250";
inline constexpr std::string_view kIdleClientLimit = "LB0251";
inline constexpr std::string_view kNoLogFolder = "LB0252";
inline constexpr std::string_view kScopeAlone = "LB0253";
inline constexpr std::string_view kSmallShare = "LB0254";

struct Meaning {
  std::string_view code;
  std::string_view text;
};

// All of them, in order, for the reference document.
inline constexpr std::array kMeanings = {
    Meaning{kSyntax, "not YAML"},
    Meaning{kUnknownKey, "unknown key"},
    Meaning{kDuplicateKey, "key twice in one map"},
    Meaning{kWrongType, "wrong type of value"},
    Meaning{kUnknownChoice, "unknown word"},
    Meaning{kOutOfRange, "number or length out of range"},
    Meaning{kMissingKey, "required key missing"},
    Meaning{kBadFormat, "malformed name, address, network or path"},
    Meaning{kYesNo, "yes, no, on or off where true or false is meant"},
    Meaning{kUnit, "unit missing or unknown"},
    Meaning{kNotBuilt, "known, but not built yet"},
    Meaning{kVariable, "variable without a value, or malformed"},
    Meaning{kFile, "file that cannot be read"},
    Meaning{kDuplicateName, "name taken twice"},
    Meaning{kListenTwice, "address listened on twice"},
    Meaning{kContradiction, "values that contradict each other"},
    Meaning{kBadClusterKey, "key of the cluster that is none, or file of keys that is no good"},
    Meaning{kTooLarge, "file too large"},
    Meaning{kNotText,
            "not plain UTF-8 text: other bytes, control characters, characters that change the "
            "direction of text"},
    Meaning{kEmpty, "file without content"},
    Meaning{kTab, "tab as indentation"},
    Meaning{kManyDocuments, "more than one document"},
    Meaning{kTooDeepOrMany, "too deep, or too many values"},
    Meaning{kAlias, "alias without anchor, or inside its own"},
    Meaning{kUnsupportedYaml,
            "YAML that is not read: tags, other versions, keys that are not text"},
    Meaning{kBadCertificate, "certificate that clients or backends would refuse"},
    Meaning{kBadKey, "private key that is encrypted, damaged, or of another certificate"},
    Meaning{kBadAuthorities, "file of authorities that is no good"},
    Meaning{kBadRevocations, "file of revocation lists that is no good"},
    Meaning{kOutOfTime, "certificate or revocation list that has expired or is not valid yet"},
    Meaning{kTooMuchMaterial, "more certificates than workers take"},
    Meaning{kNotCovered, "revocation lists of none of the authorities that they are for"},
    Meaning{kListenOverlap, "warning: listeners overlap"},
    Meaning{kBackendTwice, "warning: backend listed twice"},
    Meaning{kCheckTimeout, "warning: check timeout not below its interval"},
    Meaning{kAllWeightsZero, "warning: all weights are zero"},
    Meaning{kOpenCluster, "warning: cluster without a key that other hosts reach"},
    Meaning{kIgnoreVerify, "warning: backends are not verified"},
    Meaning{kNoRules, "warning: no rules"},
    Meaning{kNoBackends, "warning: rule without backends"},
    Meaning{kIdleQueue, "warning: queue of a rule whose backends have no limit"},
    Meaning{kSourceTwice, "warning: source address listed twice"},
    Meaning{kIdleSource, "warning: source address of a family that no backend has"},
    Meaning{kIdleHandshake,
            "warning: handshake timeout of a rule whose clients send nothing first"},
    Meaning{kAnyProxy, "warning: every client may say in a PROXY header who it is"},
    Meaning{kNetworkTwice, "warning: network listed twice"},
    Meaning{kIdleBurst, "warning: burst without a rate"},
    Meaning{kSmallBurst, "warning: burst of a rate limit below half a second of its rate"},
    Meaning{kCoarseRate, "warning: rate limit too low to be divided well"},
    Meaning{kIdleTrust, "warning: authorities or revocation lists that verify nothing"},
    Meaning{kCheckName, "warning: health checks that cannot know the name of a certificate"},
    Meaning{kProtocolTwice, "warning: ALPN protocol listed twice"},
    Meaning{kProtocolsDiffer,
            "warning: clients may choose a protocol that backends are not asked for"},
    Meaning{kTlsInTls, "warning: TLS towards backends around TLS that is passed on"},
    Meaning{
        kOutOfTimeInForce,
        "warning: certificate or revocation list in force that has expired, or is not valid yet"},
    Meaning{kNotStapled, "warning: OCSP response that is not stapled"},
    Meaning{kUnusedCertificate, "warning: certificates in a chain file that belong to another one"},
    Meaning{kSomeOutOfTime, "warning: some authorities of a file have expired"},
    Meaning{kSomeNotCovered, "warning: some authorities have no revocation list"},
    Meaning{kNeverShown, "warning: certificate that no client is ever shown"},
    Meaning{kOpenKey,
            "warning: private key that others may read, or its group may write; keys of the "
            "cluster that its group or others may read"},
    Meaning{kOldStays, "warning: file of TLS that is no good; what was loaded before stays"},
    Meaning{kNoNames, "warning: certificate for clients without a name that they could verify"},
    Meaning{kOnlyBackups, "warning: rule whose backends are all backups"},
    Meaning{kIdleClientLimit, "warning: limit of one client above that of the whole rule"},
    Meaning{kNoLogFolder, "warning: access log in a folder that is not there"},
    Meaning{kScopeAlone, "warning: scope cluster without a cluster: each host counts by itself"},
    Meaning{kSmallShare,
            "warning: limit over all hosts that is small for their number, and nobody may wait"},
};

}  // namespace lb::controlplane::codes
