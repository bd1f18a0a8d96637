/* SPDX-License-Identifier: ISC */
/*
 * The addresses of a new bank.  Must never change anything: what is bound here
 * is closed at once, and of other banks only strongroom.conf is read.
 */
#include "client/ctl/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/bankfile.h"
#include "client/link.h"
#include "common/config.h"

#define OPEN_WANTED                                                          \
	"--public-address is what customers connect to: bank.example:7420, " \
	"192.0.2.1:7420 or [2001:db8::1]:7420"

/* ---- one address -------------------------------------------------------- */

static const struct in_addr *
inet_of(const struct config_listen *listen)
{
	return &((const struct sockaddr_in *)&listen->address)->sin_addr;
}

static const struct in6_addr *
inet6_of(const struct config_listen *listen)
{
	return &((const struct sockaddr_in6 *)&listen->address)->sin6_addr;
}

/* Both families keep it in the same place. */
static in_port_t
port_of(const struct config_listen *listen)
{
	return listen->address.ss_family == AF_INET6
		   ? ((const struct sockaddr_in6 *)&listen->address)->sin6_port
		   : ((const struct sockaddr_in *)&listen->address)->sin_port;
}

static bool
wildcard(const struct config_listen *listen)
{
	if (listen->address.ss_family == AF_INET)
		return inet_of(listen)->s_addr == htonl(INADDR_ANY);
	return listen->address.ss_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(inet6_of(listen));
}

static bool
local(const struct config_listen *listen)
{
	if (listen->address.ss_family == AF_INET)
		return ntohl(inet_of(listen)->s_addr) >> 24 == IN_LOOPBACKNET;
	return listen->address.ss_family != AF_INET6 ||
	       IN6_IS_ADDR_LOOPBACK(inet6_of(listen));
}

/* Whether the two cannot both be listened on. */
static bool
collide(const struct config_listen *a, const struct config_listen *b)
{
	if (a->address.ss_family != b->address.ss_family)
		return false;
	if (a->address.ss_family == AF_UNIX)
		return strcmp(
			   ((const struct sockaddr_un *)&a->address)->sun_path,
			   ((const struct sockaddr_un *)&b->address)
			       ->sun_path) == 0;
	if (port_of(a) != port_of(b) || port_of(a) == 0)
		return false;
	if (wildcard(a) || wildcard(b))
		return true;
	return a->address.ss_family == AF_INET
		   ? inet_of(a)->s_addr == inet_of(b)->s_addr
		   : IN6_ARE_ADDR_EQUAL(inet6_of(a), inet6_of(b)) != 0;
}

/* ---- the words ---------------------------------------------------------- */

/* host:port or [v6]:port that can be connected to from elsewhere. */
static bool
open_valid(const char *text)
{
	const char *colon = strrchr(text, ':');
	struct config_listen numeric;
	size_t host_len;

	if (!link_address_tcp(text) || strlen(text) > BANKFILE_ADDRESS_MAX)
		return false;
	if (config_listen_parse(text, &numeric) == SR_OK)
		return !wildcard(&numeric);
	/* What looks like a number and is none is no name either. */
	host_len = (size_t)(colon - text);
	return text[0] != '[' && text[0] != '-' &&
	       strspn(text, "0123456789.") < host_len &&
	       strspn(text,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "abcdefghijklmnopqrstuvwxyz0123456789.-_") == host_len;
}

enum sr_error
ctl_addresses_check(const struct ctl_addresses *addresses)
{
	struct config_listen listen;

	for (size_t i = 0; i < addresses->open_count; i++) {
		if (open_valid(addresses->open[i]))
			continue;
		fprintf(stderr, "strongroomctl: init: %s\n", OPEN_WANTED);
		return SR_USAGE;
	}
	for (size_t i = 0; i < addresses->listen_count; i++) {
		const char *text = addresses->listen[i];

		if (config_listen_parse(text, &listen) != SR_OK) {
			fprintf(stderr,
			    "strongroomctl: init: --listen is 127.0.0.1:7420, "
			    "[::1]:7420 or unix:PATH\n");
			return SR_USAGE;
		}
		/* Port 0 never comes into bank.id. */
		if (!wildcard(&listen) || port_of(&listen) == 0 ||
		    addresses->open_count > 0)
			continue;
		fprintf(stderr,
		    "strongroomctl: init: --listen %s is every address of "
		    "this machine, and customers need one of them: say which "
		    "with --public-address HOST:%u; it goes to bank.id\n",
		    text, ntohs(port_of(&listen)));
		return SR_USAGE;
	}
	return SR_OK;
}

bool
ctl_addresses_local(const struct ctl_addresses *addresses)
{
	struct config_listen listen;

	if (addresses->open_count > 0)
		return false;
	for (size_t i = 0; i < addresses->listen_count; i++)
		if (config_listen_parse(addresses->listen[i], &listen) !=
			SR_OK ||
		    !local(&listen))
			return false;
	return true;
}

/* ---- the machine -------------------------------------------------------- */

struct search {
	const struct ctl_addresses *addresses;
	const struct ctl_place *own;
	bool taken;
};

/* A configuration that cannot be read says nothing: it keeps nobody out. */
static void
search_bank(void *context, const char *configuration)
{
	static struct config other;
	static char message[CONFIG_MESSAGE_MAX];
	struct search *search = context;
	struct config_listen listen;

	if (search->taken ||
	    strcmp(configuration, search->own->configuration) == 0 ||
	    config_load(configuration, &other, message) != SR_OK)
		return;
	for (size_t i = 0; i < search->addresses->listen_count; i++) {
		const char *text = search->addresses->listen[i];

		if (config_listen_parse(text, &listen) != SR_OK)
			continue;
		for (size_t k = 0; k < other.listen_count; k++) {
			if (!collide(&listen, &other.listen[k]))
				continue;
			fprintf(stderr,
			    "strongroomctl: init: %s: the bank of %s has that "
			    "address; nothing is founded: choose another port "
			    "with --listen\n",
			    text, configuration);
			search->taken = true;
			return;
		}
	}
}

/* As strongroomd and systemd bind it; errno, or 0. */
static int
bind_for_a_moment(const struct config_listen *listen)
{
	const struct sockaddr *address =
	    (const struct sockaddr *)&listen->address;
	int family = listen->address.ss_family, one = 1, error = 0;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
				       &one, sizeof(one)) != 0) ||
	    bind(fd, address, listen->address_len) != 0)
		error = errno;
	close(fd);
	return error;
}

static enum sr_error
bind_all(const struct ctl_addresses *addresses)
{
	struct config_listen listen;

	for (size_t i = 0; i < addresses->listen_count; i++) {
		const char *text = addresses->listen[i];
		int error;

		if (config_listen_parse(text, &listen) != SR_OK ||
		    listen.address.ss_family == AF_UNIX)
			continue;
		error = bind_for_a_moment(&listen);
		if (error == EADDRINUSE) {
			fprintf(stderr,
			    "strongroomctl: init: %s: another program on this "
			    "machine listens there (ss -ltnp shows which); "
			    "nothing is founded: choose another port with "
			    "--listen\n",
			    text);
			return SR_USAGE;
		}
		if (error != 0)
			fprintf(stderr,
			    "strongroomctl: init: %s: cannot be listened on "
			    "now: %s; the bank does not start before it can\n",
			    text, strerror(error));
	}
	return SR_OK;
}

enum sr_error
ctl_addresses_free(
    const struct ctl_addresses *addresses, const struct ctl_place *own)
{
	struct search search = {.addresses = addresses, .own = own};

	ctl_place_each(search_bank, &search);
	return search.taken ? SR_USAGE : bind_all(addresses);
}
