# Everything the book needs. `make` sets up what is missing, then builds the site, both PDFs and the copy to read offline.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Through Python, not the script beside it: that one holds the path it was installed under, and folders are moved.
OPENBOOK := $(BIN)/python -m openbook
# Texts are UTF-8, whatever the locale.
export PYTHONUTF8 := 1

.PHONY: all setup site pdf offline serve check links test bench lock update clean

all: site pdf offline

setup: $(VENV)/.ready

site: $(VENV)/.ready
	@$(OPENBOOK) site

pdf: site
	@$(BIN)/python build_pdf.py

# site/ml-engineering.zip: the whole site with its search, for a laptop without a network.
offline: pdf
	@$(OPENBOOK) offline

# Live preview; LOCALE=zh for one language. An edit builds only the pages it touches.
serve: $(VENV)/.ready
	@NO_MKDOCS_2_WARNING=1 BOOK_LOCALE=$(LOCALE) $(BIN)/python -m mkdocs serve --dirty

# What differs from the last commit, or the whole book if nothing does; ALL=1 for the whole book in any case.
check: $(VENV)/.ready
	@$(OPENBOOK) check $(if $(ALL),,--changed)

# External links; the internal ones are part of every check and build.
links: $(VENV)/.ready
	@$(OPENBOOK) links

# What needs PyTorch, a browser, Java, Slurm or fio runs in .ci/run, which installs them.
test: $(VENV)/.ready
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not torch and not browser and not slow and not slurm and not fio and not java"
	@echo "Not run here: tests that need PyTorch, Chromium, Java, Slurm or fio, or minutes. .ci/run runs them."

# Ratios against one pass of WeasyPrint, how cost grows with the book, and the search in Chromium. BENCH="--pairs 5" for more pairs,
# BENCH="--against-mkdocs-to-pdf" to install that aside and measure it too.
bench: site
	@$(BIN)/python -m openbook.bench.run $(BENCH)

lock: $(VENV)/.ready
	@sh openbook/setup/lock.sh $(BIN)

# The lock with the newest allowed versions, and what they change in the book: packages, pages, PDFs.
update: all
	@sh openbook/setup/update.sh $(BIN)

$(VENV)/.ready: requirements.lock pyproject.toml
	@sh openbook/setup/environment.sh $(VENV) "$(PYTHON)"

# First what says that they are whole: whoever interrupts it, or builds meanwhile, is not told that nothing has changed.
clean:
	@rm -rf site/.key .cache/lock site .cache
