/* SPDX-License-Identifier: ISC */
/*
 * The values of strongroom.conf that need some care: numbers and listen
 * addresses.  Nothing is looked up; what is not numeric is refused.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "common/config.h"

bool
config_number(const char *text, size_t len, uint64_t *out)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*out = n;
	return true;
}

enum sr_error
config_listen_parse(const char *text, struct config_listen *listen)
{
	struct sockaddr_in *inet = (struct sockaddr_in *)&listen->address;
	struct sockaddr_in6 *inet6 = (struct sockaddr_in6 *)&listen->address;
	struct sockaddr_un *un = (struct sockaddr_un *)&listen->address;
	char host[CONFIG_LISTEN_TEXT_MAX + 1], *colon;
	size_t len = strlen(text);
	uint64_t port;

	memset(listen, 0, sizeof(*listen));
	if (len > CONFIG_LISTEN_TEXT_MAX)
		return SR_CONFIG;
	memcpy(listen->text, text, len + 1);
	memcpy(host, text, len + 1);
	if (strncmp(text, "unix:", 5) == 0) {
		if (text[5] != '/' || len - 5 >= sizeof(un->sun_path))
			return SR_CONFIG;
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, text + 5, len - 5 + 1);
		listen->address_len = sizeof(*un);
		return SR_OK;
	}
	colon = strrchr(host, ':');
	if (colon == NULL ||
	    !config_number(colon + 1, strlen(colon + 1), &port) || port > 65535)
		return SR_CONFIG;
	*colon = '\0';
	if (host[0] == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		inet6->sin6_family = AF_INET6;
		inet6->sin6_port = htons((uint16_t)port);
		listen->address_len = sizeof(*inet6);
		return inet_pton(AF_INET6, host + 1, &inet6->sin6_addr) == 1
			   ? SR_OK
			   : SR_CONFIG;
	}
	inet->sin_family = AF_INET;
	inet->sin_port = htons((uint16_t)port);
	listen->address_len = sizeof(*inet);
	return inet_pton(AF_INET, host, &inet->sin_addr) == 1 ? SR_OK
							      : SR_CONFIG;
}
