/* SPDX-License-Identifier: ISC */
/**
 * @file words.c  The 256 words that people read out to confirm a pairing
 *
 * Short, common, and unlike one another when spoken.  The order is part of the
 * protocol (docs/protocol.md 2): never change it.
 */
#include "proto/card.h"

/* clang-format off */
static const char *const words[256] = {
	"acid", "acorn", "actor", "adobe", "agent", "alarm",
	"album", "alley", "amber", "anchor", "angle", "ankle",
	"apple", "apron", "arrow", "atlas", "attic", "autumn",
	"avenue", "badge", "bagel", "baker", "bamboo", "banana",
	"banjo", "barley", "basin", "basket", "beach", "bean",
	"beaver", "bell", "bench", "berry", "bicycle", "birch",
	"blanket", "bottle", "boulder", "brass", "bread", "brick",
	"bridge", "broom", "bucket", "butter", "button", "cabin",
	"cable", "cactus", "camel", "candle", "canoe", "canyon",
	"carbon", "cargo", "carpet", "castle", "cattle", "cedar",
	"cellar", "chalk", "cherry", "chess", "chimney", "cinema",
	"circle", "clay", "cliff", "clock", "clover", "coast",
	"cobalt", "coffee", "comet", "copper", "coral", "cotton",
	"cousin", "cradle", "crane", "crystal", "cumin", "curtain",
	"cymbal", "daisy", "dancer", "deer", "delta", "desert",
	"diary", "dinner", "dolphin", "donkey", "dragon", "drum",
	"eagle", "echo", "eleven", "ember", "engine", "falcon",
	"farmer", "feather", "fender", "fiddle", "finger", "flame",
	"flute", "forest", "fossil", "fountain", "fox", "gallon",
	"garden", "garlic", "geyser", "ginger", "glacier", "globe",
	"goose", "granite", "grape", "guitar", "hammer", "harbor",
	"harvest", "hazel", "helmet", "heron", "honey", "horse",
	"hotel", "igloo", "indigo", "insect", "island", "ivory",
	"jacket", "jaguar", "jasmine", "jelly", "journal", "jungle",
	"kayak", "kettle", "kidney", "kitchen", "ladder", "lagoon",
	"lamp", "lantern", "lemon", "leopard", "letter", "lily",
	"lobster", "locket", "magnet", "mango", "maple", "marble",
	"market", "meadow", "melon", "metal", "mirror", "monkey",
	"mosaic", "motor", "muffin", "museum", "needle", "nephew",
	"nickel", "ninety", "noodle", "nutmeg", "oasis", "ocean",
	"olive", "onion", "orange", "orchid", "otter", "oven",
	"oyster", "paddle", "palace", "panda", "paper", "parrot",
	"pebble", "pencil", "pepper", "piano", "pigeon", "pillow",
	"planet", "plum", "pocket", "pony", "potato", "pretzel",
	"prism", "pumpkin", "puzzle", "quartz", "quilt", "rabbit",
	"radio", "raven", "ribbon", "river", "robin", "rocket",
	"saddle", "sailor", "salmon", "sandal", "satin", "school",
	"shadow", "silver", "sister", "soup", "spider", "spoon",
	"stable", "stone", "sugar", "sunset", "table", "teapot",
	"temple", "thunder", "ticket", "tiger", "tomato", "tulip",
	"tunnel", "turtle", "umbrella", "valley", "velvet", "violin",
	"volcano", "wagon", "walnut", "water", "whale", "willow",
	"window", "winter", "yellow", "zebra",
};
/* clang-format on */

const char *card_word(uint8_t i)
{
	return words[i];
}
